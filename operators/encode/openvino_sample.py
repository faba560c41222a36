"""Texts of many kinds that belong to the code: what int8 is calibrated on, and what its loss is measured on."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Texts are joined two, four and eight at a time too: calibrated on short ones alone, long documents lose 1 % more.
_JOINED = (1, 2, 4, 8)
_LONGEST = 512


def sequences(reader: Any, texts: tuple[str, ...]) -> list[NDArray[np.int32]]:
    """Token ids of the texts, alone and joined, special tokens included, cut where the model's module cuts."""
    joined = [" ".join(texts[i : i + n]) for n in _JOINED for i in range(0, len(texts), n)]
    limit = min(_LONGEST, reader.max_seq_length or _LONGEST)
    rows = reader.tokenizer(joined, truncation=True, max_length=limit)["input_ids"]
    return [np.array(row, np.int32) for row in rows]


def _paragraphs(text: str) -> tuple[str, ...]:
    return tuple(" ".join(block.split()) for block in text.strip().split("\n\n"))


CALIBRATION = _paragraphs("""
Proteins fold into shapes that decide what they do. In a randomized trial of 412 patients, treatment with the antibody
lowered blood pressure by 8.3 mmHg (95% CI 5.1 to 11.4, p < 0.001), while markers of inflammation such as interleukin-6
did not change. We conclude that the receptor is expressed in endothelial cells of mice and humans alike.

The city council voted on Tuesday to close the old bridge for repairs until next spring. Shop owners on Market Street
said they expected to lose customers, but the mayor, Helen Okafor, told reporters that safety came first.

def read_lines(path, encoding="utf-8"): opens the file and returns a list of its lines without the newline; raises
FileNotFoundError if the path does not exist. See also os.path.join(), json.loads() and subprocess.run(check=True).

How do I reset my password if I no longer have the phone number that I signed up with?

The party of the first part shall indemnify and hold harmless the licensee against all claims, damages and expenses
arising out of any breach of this agreement, except where such breach results from gross negligence. Section 4(b)
survives termination.

Chop two onions and fry them slowly in butter. Add 300 g of lentils, a litre of stock, salt, cumin and lemon juice;
simmer for forty minutes and serve with warm bread.

Returns S_OK if successful, or an error value otherwise. The hwnd parameter is a handle to the window whose message
queue is read; if this parameter is NULL, PeekMessage retrieves messages of the current thread. Minimum supported
client: Windows 2000 Professional [desktop apps only].

한강은 서울을 동서로 가로지르는 강으로, 길이는 약 494킬로미터이다. 조선 시대에는 물길을 따라
쌀과 소금을 나르는 배가 다녔고,
지금은 서른 개가 넘는 다리가 놓여 있다.

이 영화는 배우들의 연기는 훌륭했지만 이야기가 너무 뻔해서 중간부터 지루했어요. 그래도 음악은 정말 좋았습니다.

Die Straßenbahn fährt werktags alle zehn Minuten vom Hauptbahnhof zum Rathaus. Wegen Bauarbeiten hält sie bis zum
30. September nicht am Marktplatz.

Le musée, fondé en 1879 par un collectionneur lyonnais, conserve plus de deux cent mille objets venus d'Égypte, de
Grèce et d'Asie. L'entrée est gratuite le premier dimanche du mois.

长江是亚洲最长的河流，全长约六千三百公里，流经十一个省市，最后在上海注入东海。

この製品を初めてお使いになる前に、取扱説明書をよくお読みください。電源を切ってから部品を交換してください。

La empresa anunció que invertirá 45 millones de euros en una planta solar cerca de Sevilla, que dará trabajo a unas
ochenta personas a partir de 2027.

In general relativity the curvature of spacetime is related to the energy and momentum of whatever matter and radiation
are present. The relation is given by Einstein's field equations, a system of second-order partial differential
equations.

2024-03-11 08:15:42 ERROR worker-7: connection to 10.0.4.12:5432 refused (attempt 3 of 5), retrying in 8.0 s; queue
depth 1,204, oldest message 00:03:27.
""")  # noqa: RUF001 - full-width commas are how Chinese is written

MEASURED = _paragraphs("""
Vaccination of infants against rotavirus reduced hospital admissions by half within three years. The effect was
smaller in low-income countries, where malnutrition and other infections of the gut may weaken the response.

When the lighthouse keeper climbed the stairs that night the storm had already torn the shutters from their hinges. He
thought of his daughter on the mainland, and of the letter he had never sent.

What is the difference between a mutex and a semaphore?

SELECT customer_id, SUM(amount) AS total FROM orders WHERE created_at >= '2023-01-01' GROUP BY customer_id HAVING
SUM(amount) > 1000 ORDER BY total DESC LIMIT 20;

The function waits until one or all of the specified objects are in the signaled state or the time-out interval
elapses. To enter an alertable wait state, use the WaitForMultipleObjectsEx function. Remarks: closing a handle while
the wait is pending leaves the behaviour undefined.

Shares of the chip maker fell 6 % on Thursday after it warned that demand for memory would stay weak through the third
quarter. Analysts had expected revenue of $9.1 billion.

The glacier has lost a third of its volume since 1980. Meltwater collects in lakes behind moraines of loose rock, which
can fail without warning and flood the valleys below.

대한민국 헌법 제1조는 대한민국은 민주공화국이며 모든 권력은 국민으로부터 나온다고 정하고 있다.
국회는 법률을 만들고 예산을 심의한다.

배송이 생각보다 빨랐고 포장도 꼼꼼했습니다. 다만 색상이 사진보다 조금 어두워서 아쉬웠어요.

Der Rhein entspringt in den Schweizer Alpen und mündet nach 1.230 Kilometern in die Nordsee. Er ist eine der meist
befahrenen Wasserstraßen der Welt.

Pour préparer la pâte, mélangez la farine, le beurre froid et une pincée de sel, puis laissez reposer une heure.

机器学习模型需要大量数据才能得到可靠的结果，数据的质量往往比数量更重要。

Ships are steered by a rudder hung at the stern; a turn of the wheel moves the tiller, and the flow of water past the
blade swings the hull about. Large vessels answer slowly, a minute or more after the order is given.

To whom may a tenant complain if the landlord refuses to return the deposit after the lease has ended?

The sonata opens in D minor with a slow introduction; its second theme, in the relative major, returns transformed in
the last movement. Critics of the time found it too long.

The committee shall consist of not fewer than five members, elected by secret ballot for a term of two years. A member
who misses three meetings in a row is deemed to have resigned.
""")  # noqa: RUF001

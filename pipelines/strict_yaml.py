"""YAML as recipes use it: plain values, each key once, and nothing that grows when it is read."""

from collections.abc import Iterator
from typing import Any

import yaml

#: Values of a file, those behind aliases counted wherever they are used: the largest recipe of the repository has 60.
_MOST_VALUES = 20_000
_MERGE = "tag:yaml.org,2002:merge"
_TOO_LARGE = f"it holds more than {_MOST_VALUES:,} values, or nests them too deeply"


class _Strict(yaml.SafeLoader):
    """YAML's safe loader that refuses a key given twice, where the plain one keeps the last in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        """The mapping of a node; raises `ConstructorError` for a repeated key."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value if key.tag != _MERGE]
        repeated = sorted({str(key) for key in keys if keys.count(key) > 1})
        if repeated:
            raise yaml.constructor.ConstructorError(None, None, f"key {repeated[0]} is given twice", node.start_mark)
        return super().construct_mapping(node, deep)


def parse(text: str) -> Any:
    """The value of a YAML text; raises `yaml.YAMLError` for whatever is wrong with it.

    A few lines of aliases can stand for a billion values, and a merge key copies them: they are counted first.
    """
    loader = _Strict(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _check_size(node)
        return loader.construct_document(node)
    except yaml.YAMLError:
        raise
    except RecursionError as error:
        raise yaml.YAMLError(_TOO_LARGE) from error
    except (ValueError, OverflowError, AttributeError, TypeError, KeyError) as error:
        # A date that is none, a number of 5,000 digits, a tag that does not fit its value.
        raise yaml.YAMLError(str(error)) from error
    finally:
        loader.dispose()


def _check_size(node: yaml.Node) -> None:
    values = 0
    pending = [node]
    while pending:
        values += 1
        if values > _MOST_VALUES:
            raise yaml.YAMLError(_TOO_LARGE)
        pending.extend(_below(pending.pop()))


def _below(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.SequenceNode):
        yield from node.value
    elif isinstance(node, yaml.MappingNode):
        for pair in node.value:
            yield from pair

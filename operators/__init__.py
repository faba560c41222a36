"""Pure work on Arrow tables and frozen values; its folders read as the data flow. Never imports ray."""

"""What `[alarms]` may say, and the sentence for each mistake."""

from typing import Any

import pytest

from config.errors import ConfigurationError
from config.laboratory import SHIPPED, Laboratory
from config.model import check_model, read_toml

SIMULATED = read_toml(SHIPPED / "laboratories" / "simulated.toml")
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a line for a shell": ({"notify": "mail -s x"}, "alarms.notify = 'mail -s x': input should be a valid list"),
    "no command": (
        {"notify": []},
        "alarms.notify = []: list should have at least 1 item after validation, not 0",
    ),
    "an event that does not happen": (
        {"notify_on": ["alert"]},
        "alarms.notify_on.0 = 'alert': input should be 'pause', 'alarm', 'fault' or 'end'",
    ),
    "a shelf for ever": (
        {"longest_shelf_s": 1e6},
        "alarms.longest_shelf_s = 1000000.0: input should be less than or equal to 604800",
    ),
    "a misspelt key": ({"notfy": ["mail"]}, "unknown key 'alarms.notfy', did you mean 'notify'?"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_each_mistake_has_its_sentence(case: str) -> None:
    alarms, said = REFUSED[case]
    with pytest.raises(ConfigurationError) as error:
        check_model(SIMULATED | {"alarms": alarms}, Laboratory, "lab.toml")
    assert str(error.value) == f"lab.toml: {said}"


def test_nobody_is_notified_unless_it_says_so() -> None:
    assert check_model(SIMULATED, Laboratory, "lab.toml").alarms.notify is None

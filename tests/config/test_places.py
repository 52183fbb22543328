"""The directory of a user's state: made once, for this user alone."""

from pathlib import Path

import pytest

from config.errors import ConfigurationError
from config.places import state_directory


def test_it_is_made_for_this_user_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    found = state_directory("logs")
    assert found == tmp_path / "state" / "clusterbeam" / "logs"
    assert found.stat().st_mode & 0o777 == found.parent.stat().st_mode & 0o777 == 0o700
    assert state_directory("logs") == found


def test_one_that_others_can_enter_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    state_directory().chmod(0o750)
    with pytest.raises(ConfigurationError, match=r"clusterbeam is open to others \(mode 750\); chmod go= "):
        state_directory("logs")


def test_one_that_cannot_be_made_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with pytest.raises(ConfigurationError, match=r"cannot make .*/file/clusterbeam \(Not a directory\); let XDG_STATE_HOME"):
        state_directory("logs")

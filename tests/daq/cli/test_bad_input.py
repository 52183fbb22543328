"""Bad input gets one sentence on stderr and the right exit status, before anything is touched."""

import subprocess
import sys
from pathlib import Path

import pytest

from config.errors import ConfigurationError
from config.laboratory import SHIPPED, read_laboratory
from config.model import check_model, parse_toml
from daq.cli import plan, reproduce, talk
from daq.cli.notified import warn_unnotified
from daq.plan.plan import Plan

VANADIUM = (SHIPPED / "plans" / "vanadium-25K.toml").read_text()
LABORATORY = (SHIPPED / "laboratories" / "simulated.toml").read_text()


def clusterbeam(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the program as a user does."""
    command = [sys.executable, "-P", "-m", "daq.cli", *(str(argument) for argument in arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("shots_per_group", "shots_per_grup"), "did you mean 'shots_per_group'"),
        (("field_T = [0.0, 2.4]", 'field_T = ["24 kG"]'), "interleave.field_T.0 = '24 kG'"),
        (("field_T = [0.0, 2.4]", "field_T = [0.0, 2.6]"), "2.6 T is above the 2.4 T"),
        (("rate_Hz = 20.0", "rate_Hz = 33.0"), "not a whole multiple"),
        (('element = "V"', 'element = "Xx"'), "element = 'Xx'"),
    ],
)
@pytest.mark.parametrize("command", ["plan", "run"])
def test_a_wrong_plan_is_refused(tmp_path: Path, command: str, change: tuple[str, str], said: str) -> None:
    assert change[0] in VANADIUM
    path = tmp_path / "plan.toml"
    path.write_text(VANADIUM.replace(*change))
    result = clusterbeam(command, path)
    assert result.returncode == 2
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_plan_is_shown_without_any_instrument() -> None:
    result = clusterbeam("plan", "vanadium-25K")
    assert result.returncode == 0
    assert "4,000 shots" in result.stdout
    assert "ionisation" in result.stdout


@pytest.mark.parametrize("command", [("check",), ("run", "vanadium-25K"), ("safe",)])
def test_a_laboratory_that_does_not_answer_fails(tmp_path: Path, command: tuple[str, ...]) -> None:
    path = tmp_path / "laboratory.toml"
    # Port 1 is the discard of nobody: every connection is refused.
    lines = [
        'address = "TCPIP::127.0.0.1::1::SOCKET"' if line.startswith("address") else line for line in LABORATORY.splitlines()
    ]
    path.write_text("\n".join(lines))
    output = ("--output", tmp_path) if command[0] == "run" else ()
    result = clusterbeam(*command, "--config", path, *output)
    assert result.returncode == 1
    assert "cannot connect" in result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.glob("*.h5"))


@pytest.mark.parametrize("command", ["verify", "analyse"])
@pytest.mark.parametrize(("name", "content"), [("none.h5", None), ("empty.h5", b""), ("text.h5", b"not HDF5 at all")])
def test_files_that_are_no_runs(tmp_path: Path, command: str, name: str, content: bytes | None) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    result = clusterbeam(command, path)
    assert result.returncode == 1
    assert name in result.stderr.replace("\n", "")
    assert "Traceback" not in result.stderr


def test_a_simulation_of_nothing_known_is_refused() -> None:
    result = clusterbeam("simulate", "--rod", "Fe")
    assert result.returncode == 2
    assert "--rod" in result.stderr
    assert "--until-stdin-closes" not in result.stderr
    assert clusterbeam("simulate", "--seed", "-1").returncode == 2
    result = clusterbeam("simulate", "--transfer-MB-s", "0")
    assert result.returncode == 2
    assert "--transfer-MB-s = 0 must be positive" in result.stderr


def test_wrong_usage_is_status_2() -> None:
    assert clusterbeam("run", "plan.toml", "--resume", "run.h5").returncode == 2
    assert clusterbeam("run").returncode == 2
    assert clusterbeam("analyse", "--no-such-option", "x.h5").returncode == 2
    assert clusterbeam("run", "no-such-plan.toml").returncode == 2


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            "{ first = 2.0, last = 6.0, step = 3.0 }",
            "helium_pressure_bar = {'first': 2.0, 'last': 6.0, 'step': 3.0}: step = 3 does not",
        ),
        ("{ first = 2.0, last = '6', count = 3 }", "helium_pressure_bar.last = '6': input should be a valid number"),
        ("{ frist = 2.0, last = 6.0, count = 3 }", "helium_pressure_bar.frist', did you mean 'first'?"),
        ("[6.0, [1]]", "helium_pressure_bar.1 = [1]: input should be a valid number"),
        ("'6'", "helium_pressure_bar = '6': input should be a valid list"),
    ],
)
def test_a_wrong_scan_is_one_fault_in_the_words_of_the_file(values: str, said: str) -> None:
    pressures = (SHIPPED / "plans" / "vanadium-pressures.toml").read_text()
    changed = pressures.replace("helium_pressure_bar = [6.0, 2.0]", f"helium_pressure_bar = {values}")
    with pytest.raises(ConfigurationError) as refused:
        check_model(parse_toml(changed, "plan"), Plan, "plan")
    (fault,) = refused.value.faults
    assert f"scan.0.values.{said}" in fault


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("figure.foo", "let its name end in .png, .pdf or .svg"),
        ("figure", "let its name end in .png, .pdf or .svg"),
        ("absent/figure.png", "there is no directory"),
        ("taken.png", "cannot be written (Is a directory)"),
    ],
)
def test_a_figure_that_cannot_be_drawn_is_status_2(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "taken.png").mkdir()
    result = clusterbeam("plan", "vanadium-25K", "--figure", tmp_path / name)
    assert result.returncode == 2
    assert said in result.stderr
    assert f"--figure {tmp_path / name}" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_configuration_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    result = clusterbeam("simulate", "--write-config", tmp_path / "absent" / "x.toml")
    assert result.returncode == 2
    assert f"cannot write {tmp_path / 'absent' / 'x.toml'}" in result.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot read"),
        ('[[cluster]]\nelement = "V"\nsize = 11\nbehaviour = "odd"\nmoment_uB = 1.0\n', "cluster.0.behaviour = 'odd'"),
        ("[machine]\nC = 3.0\n", "unknown key 'machine.C'"),
    ],
)
def test_a_wrong_truth_is_status_2(tmp_path: Path, text: str | None, said: str) -> None:
    path = tmp_path / "truth.toml"
    if text is not None:
        path.write_text(text)
    result = clusterbeam("demo", "--truth", path, "--output", tmp_path / "demo")
    assert result.returncode == 2
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "demo").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            ('driver = "srs_dg645"', 'driver = "srs_dg646"'),
            "laboratory.toml: instrument 'delay_generator': there is no driver 'srs_dg646' (did you mean 'srs_dg645'?)",
        ),
        (('"simulated-1.toml"', '"nope.toml"'), "laboratory.toml: calibrations = 'nope.toml' names no file: there is no"),
        (("rated_current_A = 250.0", 'rated_current_A = "250 A"'), "option rated_current_A = '250 A' must be float"),
        (("rated_current_A = 250.0, ", ""), "needs the option rated_current_A"),
        (("energy_mJ = 150", "energy = 150"), "has no option 'energy'"),
        (("highest_field_T = 2.4", "highest_field_G = 24000"), "did you mean 'highest_field_T'"),
    ],
)
def test_a_wrong_laboratory_is_status_2(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    assert change[0] in LABORATORY
    path = tmp_path / "laboratory.toml"
    path.write_text(LABORATORY.replace(*change))
    result = clusterbeam("check", "--config", path)
    assert result.returncode == 2
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_damaged_note_of_what_was_begun_is_named(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text('{"seed": ')
    with pytest.raises(ConfigurationError, match=r"settings\.json cannot be read"):
        reproduce._keep_to(path, {"seed": 1})


def test_a_wire_log_that_is_a_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"--log .* cannot be written \(Is a directory\)"):
        talk.talk("magnet", log=tmp_path)


def test_a_title_is_printed_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(VANADIUM.replace("Vanadium at 25 K", "V [/bold] [red]at[/red] 25 K"))
    plan.plan(path)
    assert "V [/bold] [red]at[/red] 25 K, 6 bar: V2 to V33\n" in capsys.readouterr().out


def test_a_command_for_alarms_that_is_not_there_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "laboratory.toml"
    for command in ("no-such-mailer", sys.executable):
        path.write_text(f'{LABORATORY}\n[alarms]\nnotify = ["{command}", "-s", "run"]\n')
        warn_unnotified(read_laboratory(path)[0])
    assert capsys.readouterr().err == (
        "clusterbeam: warning: alarms.notify: there is no command 'no-such-mailer' here, so nobody is notified; "
        "install or correct it\n"
    )

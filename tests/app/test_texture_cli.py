"""`vasari texture`: files, records, refusals, memory."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from vasari.app.cli.main import main
from vasari.foundation.errors import ExitCode
from vasari.foundation.image_files import inspect
from vasari.foundation.treatment import read_treatment
from vasari.tasks.texture import file


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    path = tmp_path / "gravel.png"
    Image.fromarray(data.gravel()[:80, :96]).save(path)
    return path


def run(*words: object) -> int:
    return main(["texture", *map(str, words)])


QUICK = ("--size", "64x48", "--iterations", "3")


@pytest.mark.parametrize("ending", ["png", "jpg", "tif", "webp"])
def test_a_texture_and_its_record(sample, tmp_path, capsys, ending):
    output = tmp_path / "made" / f"t.{ending}"
    assert run(sample, *QUICK, "-o", output, "--tileable", "--seed", 7, "--json") == ExitCode.DONE
    told = json.loads(capsys.readouterr().out)
    assert told["result"] == str(output) and told["method"] == "optimize" and not told["already_made"]
    assert (inspect(output).width, inspect(output).height) == (64, 48)
    record = read_treatment(output.with_name("t.treatment.json"))
    assert record.seed == 7 and record.plan["tileable"] is True and record.operation == "texture"
    assert record.digital_source_type.endswith("/algorithmicMedia") and record.models == ()
    assert record.source.path == str(sample)
    assert {path.name for path in output.parent.iterdir()} == {"t.treatment.json", output.name}, "nothing else stays"
    assert b"/algorithmicMedia" in (inspect(output).metadata.xmp or b"")


def test_the_same_again_does_nothing_and_another_seed_replaces(sample, tmp_path, capsys):
    output = tmp_path / "t.png"
    assert run(sample, *QUICK, "-o", output) == ExitCode.DONE
    before = output.read_bytes()
    assert run(sample, *QUICK, "-o", output, "--json") == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["already_made"]
    output.unlink()
    assert run(sample, *QUICK, "-o", output) == ExitCode.DONE
    assert np.array_equal(np.asarray(Image.open(output)), _pixels(before))
    assert run(sample, *QUICK, "-o", output, "--seed", 1) == ExitCode.DONE
    assert not np.array_equal(np.asarray(Image.open(output)), _pixels(before))


def _pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)))


def test_a_foreign_file_is_not_replaced_unless_asked(sample, tmp_path, capsys):
    output = tmp_path / "t.png"
    output.write_bytes(b"mine")
    assert run(sample, *QUICK, "-o", output) == ExitCode.FAILED
    assert "--overwrite" in capsys.readouterr().err and output.read_bytes() == b"mine"
    assert run(sample, *QUICK, "-o", output, "--overwrite") == ExitCode.DONE
    assert (inspect(output).width, inspect(output).height) == (64, 48)


@pytest.mark.parametrize("there", [True, False])
def test_a_record_is_not_taken_from_another_file(sample, tmp_path, capsys, there):
    assert run(sample, *QUICK, "-o", tmp_path / "t.png") == ExitCode.DONE
    record = tmp_path / "t.treatment.json"
    before = record.read_bytes()
    if not there:
        (tmp_path / "t.png").unlink()
    assert run(sample, *QUICK, "-o", tmp_path / "t.tif") == ExitCode.FAILED
    told = capsys.readouterr().err
    assert "record of another file than t.tif" in told and "--overwrite" in told
    assert record.read_bytes() == before and not (tmp_path / "t.tif").exists()
    assert run(sample, *QUICK, "-o", tmp_path / "t.tif", "--overwrite") == ExitCode.DONE
    assert read_treatment(record).result.name == "t.tif"


@pytest.mark.parametrize("moment", [0, 1])
def test_a_run_that_broke_off_while_it_replaced_goes_on(sample, tmp_path, capsys, monkeypatch, moment):
    """It dies before the new record is published, or between record and texture."""
    output = tmp_path / "t.png"
    assert run(sample, *QUICK, "-o", output) == ExitCode.DONE
    calls = []

    class Died(BaseException):
        pass

    def dying(staged: Path, target: Path) -> None:
        calls.append(target.name)
        if len(calls) > moment:
            raise Died
        publish(staged, target)

    publish = file.publish
    with monkeypatch.context() as patched:
        patched.setattr(file, "publish", dying)
        with pytest.raises(Died):
            run(sample, *QUICK, "-o", output, "--seed", 1)
    assert calls == ["t.treatment.json", "t.png"][: moment + 1]
    assert run(sample, *QUICK, "-o", output, "--seed", 1) == ExitCode.DONE
    assert read_treatment(tmp_path / "t.treatment.json").seed == 1


def test_the_sample_is_never_written(sample, capsys):
    before = sample.read_bytes()
    assert run(sample, *QUICK, "-o", sample, "--overwrite") == ExitCode.FAILED
    assert "sample itself" in capsys.readouterr().err and sample.read_bytes() == before


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--size", "big"), ExitCode.USAGE, "WIDTHxHEIGHT"),
        (("--size", "99999x99999"), ExitCode.USAGE, "megapixels"),
        (("--size", "8192x8192", "--method", "optimize"), ExitCode.USAGE, "--method gan"),
        (("--run", "somewhere"), ExitCode.USAGE, "--run"),
    ],
)
def test_wrong_usage_is_told(sample, tmp_path, capsys, words, code, told):
    assert run(sample, *words, "-o", tmp_path / "t.png") == code
    assert told in capsys.readouterr().err
    assert not (tmp_path / "t.png").exists()


def test_no_output_no_format_and_no_sample_are_told(sample, tmp_path, capsys):
    assert run(sample, *QUICK) == ExitCode.USAGE
    assert run(sample, *QUICK, "-o", tmp_path / "t.gif") == ExitCode.FAILED
    assert run(tmp_path / "none.png", *QUICK, "-o", tmp_path / "t.png") == ExitCode.FAILED
    assert capsys.readouterr().err.count("remedy:") == 3


@pytest.mark.skipif(os.name != "posix" or not Path("/proc").is_dir(), reason="needs a folder that nobody may write to")
def test_a_folder_that_cannot_be_written_into_is_told(sample, capsys):
    assert run(sample, *QUICK, "-o", "/proc/texture/t.png") == ExitCode.FAILED
    assert "remedy:" in capsys.readouterr().err


def test_a_generator_is_trained_kept_and_used_again(sample, tmp_path, capsys):
    kept, output = tmp_path / "run", tmp_path / "t.png"
    words = ("--size", "96x64", "--method", "gan", "--tileable", "--minutes", "0.01")
    assert run(sample, *words, "--run", kept, "-o", output) == ExitCode.DONE
    record = read_treatment(tmp_path / "t.treatment.json")
    assert record.digital_source_type.endswith("/trainedAlgorithmicMedia") and len(record.models) == 1
    again = tmp_path / "again.png"
    model = ("--model", kept / "last.safetensors")
    assert run(sample, *words[:2], "--tileable", *model, "-o", again) == ExitCode.DONE
    assert np.array_equal(np.asarray(Image.open(again)), np.asarray(Image.open(output)))
    other = tmp_path / "other.png"
    Image.fromarray(data.brick()[:80, :96]).save(other)
    assert run(other, *words, "--run", kept, "-o", again) == ExitCode.FAILED
    assert "another recipe: sample" in capsys.readouterr().err


PEAK = """
import resource, sys
from vasari.app.cli.main import main
code = main(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
sys.exit(code)
"""


def peak_mb(*words: object) -> int:
    done = subprocess.run(
        [sys.executable, "-c", PEAK, "texture", *map(str, words)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[-1])


@pytest.mark.slow
def test_4096_squared_stays_below_1500_mb(tmp_path):
    """The optimization with few steps, which need the memory of many; the generator at twice the area in half of it."""
    sample = tmp_path / "coffee.png"
    Image.fromarray(data.coffee()[100:356, 100:356]).save(sample)
    few = ("--iterations", 2, "--passes", 1)
    assert peak_mb(sample, "--size", "4096x4096", "--tileable", *few, "-o", tmp_path / "optimized.jpg") < 1500
    trained = ("--minutes", 0.02, "--method", "gan")
    assert peak_mb(sample, "--size", "8192x4096", *trained, "-o", tmp_path / "generated.jpg") < 1200

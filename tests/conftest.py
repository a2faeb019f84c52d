"""What several tests share: a small restorer with weights of its own, and real photographs as files."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import settings
from PIL import Image
from skimage import data

from vasari.foundation.bucket_addresses import BucketAddress

#: Who the tests are to a server of S3, and how long they try.
S3_SETTINGS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_MAX_ATTEMPTS": "2",
}

#: The files that take longest, longest first. Where several processes share the tests (`-n`), they begin with these:
#: none is left with a long one at the end. One process takes a whole row: there is to be one cluster of Ray at a time.
LONGEST_FIRST = (
    ("tests/app/test_ray_executor.py", "tests/app/test_ray_into_buckets.py", "tests/app/test_ray_training.py"),
    ("tests/app/web/pages/test_studio_stage.py",),
    ("tests/app/web/iiif/test_preparing.py",),
    ("tests/tasks/test_shipped_recipes.py",),
    ("tests/app/web/api/test_jobs.py",),
    ("tests/app/test_cli.py",),
    ("tests/tasks/batch/test_bucket_place.py",),
    ("tests/app/web/pages/test_gallery.py",),
    ("tests/app/web/pages/test_time.py",),
    ("tests/test_documents.py",),
    ("tests/app/web/security/test_attacks.py",),
    ("tests/archive/workbench/test_queue.py",),
    ("tests/app/web/pages/test_studio.py",),
    ("tests/tasks/test_training_processes.py",),
    ("tests/app/test_worker.py",),
    ("tests/tasks/batch/test_bucket_docks.py",),
    ("tests/tasks/sweep/test_running.py",),
    ("tests/app/test_augment_cli.py",),
    ("tests/archive/test_journal.py",),
    ("tests/benchmarks/test_third_aging.py",),
    ("tests/benchmarks/test_second_aging.py",),
    ("tests/archive/test_rebuild.py",),
    ("tests/app/web/test_in_browser.py",),
    ("tests/app/web/pages/test_remarks.py",),
    ("tests/tasks/test_stability.py",),
    ("tests/foundation/test_tiles.py",),
)
ROWS = {file: row for row, files in enumerate(LONGEST_FIRST) for file in files}

settings.register_profile("the same each time", derandomize=True, deadline=None)
settings.load_profile("the same each time")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first where several processes share the tests; one process keeps the order of the tree."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: ROWS.get(item.nodeid.split("::")[0], len(LONGEST_FIRST)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Let processes that stand side by side, and those they start, compute with one thread each."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give each process whole files, or rows of `LONGEST_FIRST`: what a module made is made once."""
    if config.getvalue("dist") != "load":  # another way was asked for
        return None
    from xdist.scheduler import LoadFileScheduling

    class LoadRows(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return LONGEST_FIRST[ROWS[file]][0] if file in ROWS else file

    config.option.loadscopereorder = False  # or files with many tests came first, however short
    return LoadRows(config, log)


@pytest.fixture(scope="session")
def tiny_restorer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A `.safetensors` file of a narrow restorer whose seeded weights move tone and detail visibly."""
    return _save_restorer(tmp_path_factory.mktemp("models") / "tiny.safetensors", seed=1)


@pytest.fixture(scope="session")
def other_restorer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another like `tiny_restorer`, of other weights."""
    return _save_restorer(tmp_path_factory.mktemp("models") / "other.safetensors", seed=2)


def _save_restorer(path: Path, seed: int) -> Path:
    from vasari.models import hub
    from vasari.models.restorers import Restorer

    options = {"widths": [32, 32, 32], "depths": [1, 1, 1, 1, 1]}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = Restorer(**options)  # type: ignore[arg-type]
        surveyor = network.surveyor
        for layer, deviation in ((surveyor.moves, 0.005), (surveyor.field, 0.01), (network.tail, 0.03)):
            torch.nn.init.normal_(layer.weight, std=deviation)
    return hub.save(network, path, {"network": {"name": "restorer", "options": options}, "task": "restore"})


@pytest.fixture(scope="session")
def tiny_enlarger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A `.safetensors` file of a narrow enlarger whose seeded weights add visible detail."""
    from vasari.models import hub
    from vasari.models.enlargers import Enlarger

    options = {"width": 8, "depth": 2}
    with torch.random.fork_rng():
        torch.manual_seed(5)
        network = Enlarger(**options)
        for tail in network.tails.values():
            torch.nn.init.normal_(tail.weight, std=0.05)
    recipe = {"network": {"name": "enlarger", "options": options}, "task": "enlarge"}
    return hub.save(network, tmp_path_factory.mktemp("models") / "tiny-enlarger.safetensors", recipe)


@pytest.fixture(scope="session")
def tiny_translator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A `.safetensors` file of a narrow translator whose seeded weights change pictures visibly."""
    return save_translator(tmp_path_factory.mktemp("models") / "tiny-translator.safetensors", seed=1)


def save_translator(path: Path, seed: int, **header: object) -> Path:
    """Write a translator of seeded weights; `header` joins its recipe."""
    from vasari.models import hub
    from vasari.models.translators import Translator

    options = {"widths": [16, 32], "depth": 1}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = Translator(**options)  # type: ignore[arg-type]
        torch.nn.init.normal_(network.tail.weight, std=0.02)
        torch.nn.init.normal_(network.tail.bias, std=0.05)
    recipe = {"network": {"name": "translator", "options": options}, "task": "translate", **header}
    return hub.save(network, path, recipe)


@pytest.fixture(scope="session")
def tiny_painter(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """`encoder` and `model` of a `StylizePlan`: narrow networks of seeded weights, by which styles differ visibly."""
    from vasari.models import hub
    from vasari.models.encoders import Encoder
    from vasari.models.stylizers import Stylizer

    folder = tmp_path_factory.mktemp("models")
    widths, narrow = [8, 8, 12, 16], [8, 8, 8]
    with torch.random.fork_rng():
        torch.manual_seed(3)
        encoder = Encoder(widths, [1, 1, 1, 1])  # type: ignore[arg-type]
        stylizer = Stylizer(narrow, [1, 1, 1], 16, widths)  # type: ignore[arg-type]
        torch.nn.init.normal_(stylizer.tail.weight, std=0.1)
    recipe = {"network": {"name": "encoder", "options": {"widths": widths, "depths": [1, 1, 1, 1]}}, "task": "encode"}
    path = hub.save(encoder, folder / "tiny-encoder.safetensors", recipe)
    options = {"widths": narrow, "depths": [1, 1, 1], "context": 16, "features": widths}
    recipe = {
        "network": {"name": "stylizer", "options": options},
        "task": "stylize",
        "encoder": {"name": path.stem, "digest": hub.digest(path)},
    }
    return {"encoder": str(path), "model": str(hub.save(stylizer, folder / "tiny-stylizer.safetensors", recipe))}


@pytest.fixture(scope="session")
def tiny_colorizer(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """`model` and `encoder` of a `ColorizePlan`: narrow networks of seeded weights, that color visibly."""
    from vasari.models import hub
    from vasari.models.colorizers import Colorizer
    from vasari.models.encoders import WIDTHS, Encoder

    folder = tmp_path_factory.mktemp("models")
    shallow = {"depths": [1, 1, 1, 1]}
    options = {"widths": [8, 8, 8, 8], "depths": [1, 1, 1, 1], "context": 8}
    with torch.random.fork_rng():
        torch.manual_seed(4)
        encoder = Encoder(WIDTHS, (1, 1, 1, 1))
        colorizer = Colorizer(**options)  # type: ignore[arg-type]
        for stack in colorizer.stacks:
            torch.nn.init.normal_(stack.steer.weight, std=0.3)
        for layer in (colorizer.tail, colorizer.guess[3]):
            torch.nn.init.normal_(layer.weight, std=0.1)
    path = hub.save(encoder, folder / "tiny-encoder.safetensors", {"network": {"name": "encoder", "options": shallow}})
    recipe = {
        "network": {"name": "colorizer", "options": options},
        "task": "colorize",
        "encoder": {"name": path.stem, "digest": hub.digest(path)},
    }
    model = hub.save(colorizer, folder / "tiny-colorizer.safetensors", recipe)
    return {"model": str(model), "encoder": str(path)}


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """A folder of small scans: a JPEG, a grey PNG, and in a box below a 16-bit TIFF."""
    folder = tmp_path / "scans"
    (folder / "box").mkdir(parents=True)
    Image.fromarray(data.astronaut()[:120, 150:310]).save(folder / "pilot.jpg", quality=92)
    Image.fromarray(data.camera()[100:200, 200:330]).save(folder / "camera.png")
    write_tiff(folder / "box" / "coffee.tif", data.coffee()[50:180, 100:260].astype(np.uint16) * 257)
    return folder


def write_tiff(path: Path, *pages: np.ndarray) -> Path:
    """Write pages [rows, columns] or [rows, columns, 3] by tifffile."""
    import tifffile

    with tifffile.TiffWriter(path) as writer:
        for page in pages:
            writer.write(page, photometric="rgb" if page.ndim == 3 else "minisblack", resolution=(600, 600))
    return path


@pytest.fixture(scope="session")
def clips() -> ModuleType:
    """The module that makes small films, `film_clips.py`."""
    spec = importlib.util.spec_from_file_location("film_clips", Path(__file__).parent / "film_clips.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """A server of S3 on this machine, by moto, which honors conditional puts; its address."""
    import logging

    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def aws(s3_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of `s3_server`, and of no other; what is remembered of buckets lies below the test's own folder."""
    for name in [one for one in os.environ if one.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in {**S3_SETTINGS, "AWS_ENDPOINT_URL": s3_server}.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture(scope="session")
def aws_session() -> Any:
    """What botocore reads of the interface of S3, which takes a fifth of a second."""
    import aiobotocore.session

    return aiobotocore.session.AioSession()


@pytest.fixture
def bucket(aws: None, aws_session: Any, monkeypatch: pytest.MonkeyPatch) -> BucketAddress:
    """A place in a new bucket of `s3_server`."""
    import secrets

    import aiobotocore.session
    import s3fs

    monkeypatch.setattr(aiobotocore.session, "AioSession", lambda **options: aws_session)
    address = BucketAddress(f"scans-{secrets.token_hex(4)}", "box/restored")
    s3fs.S3FileSystem(skip_instance_cache=True).call_s3("create_bucket", Bucket=address.bucket)
    return address

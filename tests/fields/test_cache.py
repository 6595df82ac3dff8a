"""The cache: whole files or none, believed only if intact, quiet where it cannot write."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from components.fields import cache

NAME = cache.key("a magnet", "a mesh")
ARRAYS = {"z": np.linspace(0, 1, 500), "n": np.array(7), "bl": np.ones((3, 4))}


@pytest.fixture(autouse=True)
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KIBBLE_TWIN_CACHE", str(tmp_path))
    cache.forget()
    return tmp_path


def equal(found: dict[str, np.ndarray] | None) -> bool:
    return (
        found is not None
        and found.keys() == ARRAYS.keys()
        and all(np.array_equal(found[key], ARRAYS[key]) and found[key].dtype == ARRAYS[key].dtype for key in ARRAYS)
    )


def test_what_is_kept_comes_back(fresh: Path) -> None:
    assert cache.load(NAME) is None
    cache.save(NAME, ARRAYS)
    assert equal(cache.load(NAME))
    assert cache.load(cache.key("another")) is None
    assert [path.name for path in (fresh / "fields").iterdir()] == [f"{NAME}.npz"]  # nothing temporary is left


def test_keys_tell_texts_apart() -> None:
    assert len({cache.key("a", "b"), cache.key("ab"), cache.key("b", "a"), cache.key("a\nc")}) == 4


def test_the_users_cache_directory_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KIBBLE_TWIN_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache.directory() == Path("/somewhere/kibble-twin/fields")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache.directory() == Path.home() / ".cache" / "kibble-twin" / "fields"


def path_of(folder: Path) -> Path:
    return folder / "fields" / f"{NAME}.npz"


@pytest.mark.parametrize("keep", [0, 10, 300, -1])
def test_a_file_that_was_cut_is_not_believed(fresh: Path, keep: int) -> None:
    cache.save(NAME, ARRAYS)
    path_of(fresh).write_bytes(path_of(fresh).read_bytes()[:keep])
    assert cache.load(NAME) is None


def test_a_file_with_a_flipped_bit_is_not_believed(fresh: Path) -> None:
    """Wherever it is: in the archive's directory, in a header or in the numbers."""
    cache.save(NAME, ARRAYS)
    whole = path_of(fresh).read_bytes()
    for place in range(40, len(whole), 97):
        path_of(fresh).write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        found = cache.load(NAME)
        assert found is None or equal(found)  # some bytes of an archive say nothing


def test_a_file_with_other_numbers_is_not_believed(fresh: Path) -> None:
    """A sound archive whose contents are not what was kept: changed, under another name, without a checksum."""
    cache.save(NAME, ARRAYS)
    with np.load(path_of(fresh)) as file:
        kept = dict(file)
    np.savez(path_of(fresh), **{**kept, "n": np.array(8)})
    assert cache.load(NAME) is None
    np.savez(path_of(fresh), **ARRAYS)
    assert cache.load(NAME) is None
    other = cache.key("another")
    cache.save(other, ARRAYS)
    (fresh / "fields" / f"{other}.npz").replace(path_of(fresh))
    assert cache.load(NAME) is None


def test_pickles_are_refused(fresh: Path) -> None:
    path_of(fresh).parent.mkdir()
    np.savez(path_of(fresh), checksum=np.array(["x", None], dtype=object))
    assert cache.load(NAME) is None


def test_a_directory_that_cannot_be_written_is_no_error(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (fresh / "file").write_text("")
    monkeypatch.setenv("KIBBLE_TWIN_CACHE", str(fresh / "file"))
    cache.save(NAME, ARRAYS)
    assert cache.load(NAME) is None


def test_a_save_that_fails_leaves_nothing(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", broken)
    with pytest.raises(KeyboardInterrupt):
        cache.save(NAME, ARRAYS)
    assert list((fresh / "fields").iterdir()) == []


def test_readers_and_writers_at_the_same_time() -> None:
    """A reader sees nothing or all of it, never a part."""
    cache.save(NAME, ARRAYS)

    def once(index: int) -> bool:
        if index % 2:
            cache.save(NAME, ARRAYS)
        return equal(cache.load(NAME))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(once, range(200)))


def write(index: int) -> bool:
    cache.save(NAME, ARRAYS)
    return equal(cache.load(NAME))


def test_processes_at_the_same_time(fresh: Path) -> None:
    with ProcessPoolExecutor(2, mp_context=get_context("fork")) as pool:
        assert all(pool.map(write, range(20)))
    assert len(list((fresh / "fields").iterdir())) == 1


# --- kept ------------------------------------------------------------------------------------------------------------


def kept(made: list[float], name: str = NAME, *, cached: bool = True) -> float:
    """A number that takes long to compute; each time it is, it is a new one."""

    def compute() -> float:
        made.append(1.5 + len(made))
        return made[-1]

    return cache.kept(name, compute, lambda x: {"x": np.asarray(x)}, lambda found: float(found["x"]), cached=cached)


def test_it_is_computed_once_for_all_processes() -> None:
    made: list[float] = []
    assert [kept(made), kept(made)] == [1.5, 1.5]
    cache.forget()  # as in another process
    assert kept(made) == 1.5
    assert len(made) == 1
    assert kept(made, cache.key("another")) == 2.5


def test_without_the_cache_it_is_computed_and_not_kept(fresh: Path) -> None:
    made: list[float] = []
    assert [kept(made, cached=False), kept(made, cached=False)] == [1.5, 2.5]
    assert not (fresh / "fields").exists()
    assert kept(made) == 3.5


def test_another_directory_is_another_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made: list[float] = []
    kept(made)
    monkeypatch.setenv("KIBBLE_TWIN_CACHE", str(tmp_path / "other"))
    assert kept(made) == 2.5


def test_what_is_damaged_is_computed_again(fresh: Path) -> None:
    made: list[float] = []
    kept(made)
    path_of(fresh).write_bytes(b"PK nothing")
    cache.forget()
    assert kept(made) == 2.5
    cache.forget()
    assert kept(made) == 2.5


def test_the_process_keeps_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "ROOM_FOR", 2)
    made: list[float] = []
    for name in ("a", "b", "c"):
        kept(made, cache.key(name))
    assert len(cache._KEPT) == 2
    assert kept(made, cache.key("a")) == 1.5  # from disk
    assert len(made) == 3

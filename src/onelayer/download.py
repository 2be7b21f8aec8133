"""Downloads files from mirrors, in turn, until each has the SHA-256 that it must have."""

import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

from onelayer.errors import DataError

if TYPE_CHECKING:
    import requests

SECONDS = 10.0  # a mirror that is silent, or slower than SLOWEST, for this long is given up
SLOWEST = 10 * 1024  # bytes per second; MNIST would take 19 minutes
LARGEST = 64 * 2**20  # bytes; the largest file has 9.9 MB, so this cannot be what was asked for


class DownloadError(DataError):
    """No mirror delivered some files; `why` is a short reason without paths."""

    def __init__(self, message: str, why: str) -> None:
        super().__init__(message)
        self.why = why


class _MirrorError(Exception):
    """One mirror did not deliver one file; if `leave`, it is not worth asking again."""

    def __init__(self, message: str, *, leave: bool) -> None:
        super().__init__(message)
        self.leave = leave


def download(checksums: dict[str, str], folder: Path, mirrors: Sequence[str]) -> None:
    """Download files into `folder`, from each mirror in turn until the SHA-256 is right.

    Pooch writes each file under a temporary name, verifies it and renames it. So no half-written
    file has a final name, and two processes may download at once. Every mirror is asked twice, but
    one that is silent or too slow for `SECONDS` is not asked for anything again.

    Parameters
    ----------
    checksums : dict of str to str
        File name to SHA-256.
    folder : Path
        Made if it does not exist.
    mirrors : sequence of str
        URLs of folders.

    Raises
    ------
    DownloadError
        If no mirror delivered some file; the other files are kept. It lists what each mirror did.
    """
    import pooch  # takes 0.1 s with requests, and is needed only for the first run

    pooch.get_logger().setLevel("WARNING")  # the bar and the errors below say more
    if mirrors:
        sys.stderr.write(f"Downloading {len(checksums)} file(s) into {folder}\n")
    by_hand = f"put the files into {folder} by hand (data/README.md says where to find them)."
    failures: dict[str, dict[str, str]] = {mirror: {} for mirror in mirrors}
    left: set[str] = set()
    absent = []
    for name, sha256 in checksums.items():
        for mirror in (*mirrors, *mirrors):
            if mirror in left:
                continue
            try:
                url = f"{mirror.rstrip('/')}/{name}"
                pooch.retrieve(url, sha256, name, folder, downloader=_stream)
                break
            except _MirrorError as error:
                failures[mirror][name] = str(error)
                if error.leave:
                    left.add(mirror)
            except ValueError as error:  # pooch: both hashes, then what it did with the file
                failures[mirror][name] = f"wrong bytes: {str(error).partition('. ')[0]}"
            except OSError as error:
                raise DownloadError(
                    f"{folder} cannot be written to ({error}). Make it writable, or {by_hand}",
                    "its folder cannot be written to",
                ) from error
        else:
            absent.append(name)
    if absent:
        tried = [
            "\n    ".join([f"  {mirror}", *(f"{name}: {what}" for name, what in failed.items())])
            for mirror, failed in failures.items()
        ]
        why = (
            "no mirror is set"
            if not mirrors
            else "no mirror answered fast enough"
            if left.issuperset(mirrors)
            else "no mirror served all files intact"
        )
        message = f"files cannot be downloaded ({why}); still missing: {', '.join(absent)}"
        raise DownloadError("\n".join([message, *tried, f"Try again, or {by_hand}"]), why)


def _stream(url: str, output_file: str, _: object) -> None:
    """Write the body of `url` into `output_file`, giving up on a mirror that is too slow.

    Pooch's own downloader only has a time-out for each read: a byte now and then keeps it waiting.
    """
    import tqdm
    import urllib3

    response = _answer(url)
    with response, Path(output_file).open("wb") as file:
        if response.status_code != 200:
            raise _MirrorError(f"HTTP {response.status_code} {response.reason}", leave=False)
        length = response.headers.get("Content-Length", "")
        bar = tqdm.tqdm(
            desc=url.rpartition("/")[2],
            total=int(length) if length.isdigit() else None,
            unit="B",
            unit_scale=True,
            disable=not sys.stderr.isatty(),
        )
        received, before, start = 0, 0, time.monotonic()
        with bar:
            while True:
                try:
                    # read1 returns what is there; undecoded, since these files ARE gzip.
                    chunk = response.raw.read1(2**16, decode_content=False)
                except urllib3.exceptions.ReadTimeoutError:
                    raise _MirrorError(
                        f"stalled for {SECONDS:g} s after {received:,} bytes", leave=True
                    ) from None
                except urllib3.exceptions.HTTPError as error:
                    raise _MirrorError(f"cut off: {error}", leave=False) from error
                if not chunk:
                    break
                file.write(chunk)
                bar.update(len(chunk))
                received += len(chunk)
                if received > LARGEST:
                    raise _MirrorError(f"sent more than {LARGEST:,} bytes", leave=True)
                elapsed = time.monotonic() - start
                if elapsed >= SECONDS:
                    if received - before < SLOWEST * elapsed:
                        sent = f"sent {received - before:,} bytes in {elapsed:.1f} s"
                        raise _MirrorError(f"too slow: {sent}", leave=True)
                    before, start = received, time.monotonic()
    Path(output_file).chmod(0o644)  # pooch's temporary files are for their owner alone


def _answer(url: str) -> "requests.Response":
    """Return the response to GET `url` once its header is there, within `SECONDS` in all.

    The time-out of requests applies to each address of a host, and not to looking up its name:
    behind a firewall that drops packets, a host with eight addresses would take eight times as
    long. Hence the thread, which is abandoned when the time is up.
    """
    import requests

    answer: Future[requests.Response] = Future()

    def ask() -> None:
        try:
            answer.set_result(requests.get(url, stream=True, timeout=SECONDS))
        except (OSError, ValueError) as error:  # requests' errors, and invalid addresses
            answer.set_exception(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        return answer.result(SECONDS)
    except (TimeoutError, requests.Timeout) as error:
        raise _MirrorError(f"no answer within {SECONDS:g} s", leave=True) from error
    except (OSError, ValueError) as error:
        # requests wraps urllib3's reason in descriptions of the pool and of the retry.
        inner = error.args[0] if error.args else error
        raise _MirrorError(f"no answer: {getattr(inner, 'reason', inner)}", leave=True) from error

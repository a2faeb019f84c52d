"""What goes wrong with a bucket, in words: s3fs and botocore tell it in some thirty ways."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from vasari.foundation.bucket_addresses import BucketAddress
from vasari.foundation.errors import PlaceLostError, VasariError, WriteError

if TYPE_CHECKING:
    from aiohttp import ClientError as LineError
    from botocore.exceptions import BotoCoreError

#: What servers answer (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html); HEAD has numbers alone.
_DENIED = {"AccessDenied", "AllAccessDisabled", "AccountProblem", "403"}
_NO_KEY = {"NoSuchKey", "404"}
_KEYS = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "RequestTimeTooSkewed"}
_ELSEWHERE = {"PermanentRedirect", "IllegalLocationConstraintException", "AuthorizationHeaderMalformed", "301"}
_CONDITIONS = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}
_BUSY = {"SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "500", "503"}


class Precondition(Exception):
    """An object was not put: there is one already, or another than was expected; never shown to a person."""


@contextmanager
def in_words(where: BucketAddress) -> Iterator[None]:
    """Raise what goes wrong at `where` as a `VasariError`, a `Precondition`, or a `FileNotFoundError` for no object."""
    from aiohttp import ClientError as LineError
    from botocore.exceptions import BotoCoreError

    try:
        yield
    except (VasariError, Precondition):
        raise
    except (BotoCoreError, LineError) as error:
        raise _unreachable(error, where) from error
    except (OSError, ValueError) as error:
        raise _answered(error, where) from error


def _answered(error: OSError | ValueError, where: BucketAddress) -> Exception:
    """An error that a server answered, as s3fs passes it on: its own is the cause."""
    from botocore.exceptions import ClientError

    cause = error.__cause__
    code = str(cause.response["Error"].get("Code", "")) if isinstance(cause, ClientError) else ""
    if code in _CONDITIONS:
        return Precondition(code)
    if code in _NO_KEY:
        return FileNotFoundError(str(where))
    known = _known(code, where)
    if known is not None:
        return PlaceLostError(known[0], remedy=known[1])
    if isinstance(error, TimeoutError):
        return _silent(where)
    if isinstance(error, ValueError):
        return _unusable(error, where)
    what = f" ({code})" if code else ""
    return WriteError(
        f"{where} could not be written or read: {error.strerror or error}{what}.",
        remedy="see what the server tells, and run the command again",
    )


def refused(code: str, where: BucketAddress) -> WriteError | None:
    """The error for one object of a request for many, by the code that the server told; None for no such object."""
    if code in _NO_KEY:
        return None
    known = _known(code, where)
    if known is not None:
        return PlaceLostError(known[0], remedy=known[1])
    return WriteError(
        f"{where} could not be deleted ({code}).", remedy="see what the server tells, and run the command again"
    )


def _known(code: str, where: BucketAddress) -> tuple[str, str] | None:
    """The message and the remedy of an answer that concerns the bucket, not one object."""
    if code == "NoSuchBucket":
        return f"There is no bucket {where.bucket}.", "make it, or correct its name, AWS_REGION or AWS_ENDPOINT_URL"
    if code == "InvalidBucketName":
        return f"{where.bucket} is no name of a bucket.", "write s3://BUCKET/FOLDER, as s3://scans/restored"
    if code in _DENIED:
        remedy = "let these credentials list the bucket, and get, put and delete objects in this folder"
        return f"Access to {where} is denied.", remedy
    if code in _KEYS:
        return f"The server takes no such credentials ({code}).", "renew them, and run the command again"
    if code in _ELSEWHERE:
        return f"The bucket {where.bucket} is in another region.", "name its region by AWS_REGION"
    if code in _BUSY:
        return f"The server of s3://{where.bucket} is busy or broken ({code}).", "run the command again later"
    return None


def _unreachable(error: BotoCoreError | LineError, where: BucketAddress) -> VasariError:
    """An error that no server answered: no credentials, no connection, a setting that is none."""
    from aiohttp import ClientError as LineError
    from botocore import exceptions as told

    if isinstance(error, (told.NoCredentialsError, told.PartialCredentialsError, told.CredentialRetrievalError)):
        return PlaceLostError(
            f"There are no credentials for s3://{where.bucket}.",
            remedy="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE for one of ~/.aws/credentials",
        )
    if isinstance(error, (told.ConnectionError, told.HTTPClientError, LineError)):
        return _silent(where)
    return _unusable(error, where)


def _unusable(error: Exception, where: BucketAddress) -> PlaceLostError:
    """A setting that is none; who somebody is to a server may stand in its address, and is not told."""
    told = re.sub(r"//[^/@\s]*@", "//", str(error)).rstrip(".")
    return PlaceLostError(f"s3://{where.bucket} cannot be used: {told}.", remedy="check the settings AWS_* and ~/.aws")


def _silent(where: BucketAddress) -> PlaceLostError:
    return PlaceLostError(
        f"The server of s3://{where.bucket} cannot be reached.",
        remedy="check the network and AWS_ENDPOINT_URL; the same command goes on where it was",
    )

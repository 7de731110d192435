"""Where bodies wait while they are read: files without a name in the data folder.

Such a file is gone when its process is, however that ends. Django would use the
system's folder, which may be memory, and files with a name.
"""

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler

MEMORY_BYTES_PER_FILE: Final = 64 * 1024


def prepare_spool() -> None:
    """For the start of the web process: an empty folder, used for all of its bodies."""
    folder = Path(settings.SPOOL_DIR)
    # Where the file system knows no file without a name, a kill may leave one.
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tempfile.tempdir = str(folder)


class SpoolUploadHandler(FileUploadHandler):
    """Puts each uploaded file into the spool. The name it came with is only a label."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        folder = Path(settings.SPOOL_DIR)
        folder.mkdir(parents=True, exist_ok=True)
        self.file = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - the request closes it
            MEMORY_BYTES_PER_FILE, dir=str(folder)
        )

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.file.write(raw_data)

    def file_complete(self, file_size: int) -> "UploadedFile[Any]":
        self.file.seek(0)
        return UploadedFile(self.file, self.file_name, size=file_size)

    def upload_interrupted(self) -> None:
        self.file.close()

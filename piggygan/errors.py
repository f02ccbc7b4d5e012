"""Every error piggygan raises on purpose.

Catch :class:`PiggyganError` for all of them::

    PiggyganError
    ├── ConfigurationError          an argument outside its range
    ├── InputError                  a tensor of the wrong shape, type or range
    ├── UnsupportedModuleError      a generator that cannot be wrapped rightly
    ├── TaskError
    │   ├── TaskNameError           malformed name
    │   ├── TaskExistsError         name already taken
    │   ├── TaskNotFoundError       no such task
    │   ├── TaskNotChosenError      a call that does not say which of several tasks it means
    │   ├── TaskStateError          training where frozen is needed, or the reverse
    │   ├── TaskInUseError          another task draws on it
    │   └── FrozenTaskError         a frozen task is no longer what it was
    ├── DataError
    │   ├── ImageError              one image file that cannot be used
    │   │   ├── DicomError          one DICOM file that cannot be used
    │   │   ├── DecoderCrashError   a decoder crashed or hung on a file
    │   │   └── InputTooLargeError  more pixels than the cap
    │   ├── MaskError               a mask with other values than its two
    │   ├── PairError               a pair without its partner, or of two sizes
    │   └── DatasetError            a folder that is missing, empty or mostly broken
    ├── TrainingError
    │   ├── TrainingDivergedError   a loss that is no longer a number
    │   ├── TrainingInterruptedError  a signal asked for the end, and all was saved
    │   ├── ResumeError             a training's checkpoint that cannot be written or gone on from
    │   ├── FrozenTensorError       something frozen moved while training
    │   ├── NotLearnedError         a task that scores no more than one answer for every input
    │   ├── ProcessLostError        another of the processes that train together is gone
    │   └── DeviceMemoryError       a batch that the device has no room for
    ├── PredictionError             a prediction that cannot be written, or was not read back as it was meant
    ├── CheckpointError             another program's file that cannot be read or written
    └── RegistryError
        ├── CorruptFileError        a file that is not what its digest says
        ├── FormatVersionError      written by a newer piggygan
        ├── BankMismatchError       a task and a bank that do not belong together
        └── RegistryLockedError     another process holds the lock
"""

from piggygan.terminal.escaping import escaped


class PiggyganError(Exception):
    """Root of every error that piggygan raises on purpose.

    Its message can be printed: whatever of it a terminal would obey, such as an escape sequence in a name that came
    from a file, is shown escaped. ``args`` hold it as it was given.

    Example:
        >>> try:
        ...     raise TaskNotFoundError("there is no task 'lungs': add it first.")
        ... except PiggyganError as error:
        ...     print(error)
        there is no task 'lungs': add it first.
    """

    def __str__(self) -> str:
        return escaped(super().__str__(), keep="\n")


class ConfigurationError(PiggyganError):
    """An argument is outside its range."""


class InputError(PiggyganError):
    """A tensor has the wrong shape, type or range."""


class UnsupportedModuleError(PiggyganError):
    """A generator contains something that cannot be wrapped rightly."""


class TaskError(PiggyganError):
    """Something is wrong with a task."""


class TaskNameError(TaskError):
    """A task's name is malformed."""


class TaskExistsError(TaskError):
    """A task's name is already taken."""


class TaskNotFoundError(TaskError):
    """No task has this name."""


class TaskNotChosenError(TaskError):
    """A call does not say which of several tasks it means."""


class TaskStateError(TaskError):
    """A task is in training where a frozen one is needed, or the reverse."""


class TaskInUseError(TaskError):
    """Another task draws on this one."""


class FrozenTaskError(TaskError):
    """A frozen task has other bytes than when it was frozen."""


class DataError(PiggyganError):
    """Something is wrong with images, masks or folders."""


class ImageError(DataError):
    """One image file cannot be used."""


class DicomError(ImageError):
    """One DICOM file cannot be used."""


class DecoderCrashError(ImageError):
    """A decoder crashed, hung or took too much memory on a file."""


class InputTooLargeError(ImageError):
    """An image has more pixels than the cap allows."""


class MaskError(DataError):
    """A mask has other values than its two."""


class PairError(DataError):
    """An image lacks its partner, or the partner has another size."""


class DatasetError(DataError):
    """A folder is missing, empty, or too much of it is broken."""


class TrainingError(PiggyganError):
    """Training cannot go on."""


class TrainingDivergedError(TrainingError):
    """A loss is no longer a finite number."""


class TrainingInterruptedError(TrainingError, SystemExit):
    """A signal asked a training to end, and all of it was saved.

    Where nobody catches it the program ends with its exit code and without a traceback: it is a ``SystemExit``.

    Args:
        message: What was saved, and how to go on.
        signal_number: The signal.

    Attributes:
        exit_code: What a program that ends now should exit with: 128 and the signal's number, 143 after SIGTERM and
            130 after SIGINT.
    """

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.exit_code = self.code = 128 + signal_number


class ResumeError(TrainingError):
    """A training's checkpoint cannot be written, or a training cannot go on from it."""


class FrozenTensorError(TrainingError):
    """Something that is frozen was moved while another task trained."""


class NotLearnedError(TrainingError):
    """A task scores no more than one and the same answer for every input, and is not committed."""


class ProcessLostError(TrainingError):
    """Another of the processes that train together ended, was killed, or was not heard of for too long."""


class DeviceMemoryError(TrainingError):
    """A device has too little memory for a batch."""


class PredictionError(PiggyganError):
    """A prediction cannot be written, or was not read back as it was meant."""


class CheckpointError(PiggyganError):
    """A network in another program's file cannot be read, or not be written."""


class RegistryError(PiggyganError):
    """Something is wrong with a registry on disk."""


class CorruptFileError(RegistryError):
    """A file is not what its digest says."""


class FormatVersionError(RegistryError):
    """A registry was written by a newer piggygan."""


class BankMismatchError(RegistryError):
    """A task and the bank it needs do not belong together."""


class RegistryLockedError(RegistryError):
    """Another process holds the registry's lock."""

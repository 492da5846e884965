"""Every error that a user can cause, one class per mistake.

RlTeacherError
├── ConfigError                 a setting is out of range, or two settings contradict each other
│   ├── UnknownEnv              no environment has this name
│   ├── UnknownChoice           no agent, predictor, teacher, ... has this name
│   ├── SegmentTooLong          a segment does not fit into an episode
│   ├── MissingExtra            it needs an optional part of this package that is not installed
│   ├── NoSuchDevice            JAX_PLATFORMS or MUJOCO_GL asks for what this machine does not have
│   └── UnsupportedSpace        the environment's observations or actions cannot be learned from
├── RunError                    something about a run folder
│   ├── BadRunName              empty, or would leave the runs folder
│   ├── RunExists               the name is taken, and --resume was not given
│   ├── RunMissing              there is no run of this name
│   ├── FolderUnwritable        the folder cannot be written
│   ├── FileDamaged             a file of the run cannot be read
│   ├── RunChanged              --resume with other settings than the run was started with
│   ├── RunLocked               another process is working in the run folder
│   └── CheckpointError         a checkpoint is damaged, or of a newer version
├── RewardError                 something about a learned reward outside of its run
│   ├── RewardFileError         its files are damaged, or of a newer version
│   └── RewardShapeError        it is shown observations or actions of another shape than it was learned with
├── DataError                   something about preference data, or a data set
│   ├── DataDamaged             a file of it cannot be read, or is not as it was written
│   ├── DataRefused             it holds what has no place in comparisons, or what could run code
│   └── DataMismatch            two things that should fit do not: a reward and a data set, labels and their arrays
├── BenchError                  something about the results of a benchmark
│   ├── ResultsDamaged          a line of the file of results cannot be read
│   └── SettingsChanged         the file holds results of other settings under the same name
├── EnvFault                    an environment did what it must not do
│   ├── NotFinite               it handed out a nan or an infinity
│   └── NoSegments              no episode was long enough to cut a segment from
├── WorkerLost                  a rollout worker is gone: its process, or the machine that it was on
├── UserCodeFault               a file of yours that a flag names cannot be loaded, or lacks what is asked of it
├── TeacherFault                a scripted teacher fails, or answers nonsense
├── VideoFault                  a clip could not be rendered or encoded
└── ServerFault                 the feedback server refused, or answers nonsense

The text of each says what and where, what it got, what it expected, and what to do. The command line
prints it as one line and exits with code 2.
"""


class RlTeacherError(Exception):
    """Anything that a user can cause and mend."""


class ConfigError(RlTeacherError):
    """A setting is out of range, or two settings contradict each other."""


class UnknownEnv(ConfigError):
    """No environment has this name."""


class UnknownChoice(ConfigError):
    """No agent, predictor, teacher, schedule or selector has this name."""


class SegmentTooLong(ConfigError):
    """A segment has more steps than an episode."""


class MissingExtra(ConfigError):
    """Something was asked for that needs an optional part of this package, which is not installed."""


class NoSuchDevice(ConfigError):
    """JAX_PLATFORMS or MUJOCO_GL asks for what this machine does not have."""


class UnsupportedSpace(ConfigError):
    """The environment's observation or action space cannot be learned from."""


class RunError(RlTeacherError):
    """Something about a run folder."""


class BadRunName(RunError):
    """The name of a run is empty, or would leave the runs folder."""


class RunExists(RunError):
    """The name of a run is taken."""


class RunMissing(RunError):
    """There is no run of this name."""


class FolderUnwritable(RunError):
    """A folder cannot be written."""


class FileDamaged(RunError):
    """A file of a run cannot be read: it was cut off, or changed by hand."""


class RunChanged(RunError):
    """A run is resumed with other settings than it was started with."""


class RunLocked(RunError):
    """Another process is working in the run folder."""


class CheckpointError(RunError):
    """A checkpoint is damaged, or was written by a newer version."""


class RewardError(RlTeacherError):
    """Something about a learned reward outside of its run."""


class RewardFileError(RewardError):
    """The files of a learned reward are damaged, or were written by a newer version."""


class RewardShapeError(RewardError):
    """A learned reward is shown observations or actions of another shape than it was learned with."""


class DataError(RlTeacherError):
    """Something about preference data, or a data set."""


class DataDamaged(DataError):
    """A file of preference data, or of a data set, cannot be read, or is not as it was written."""


class DataRefused(DataError):
    """Data hold what has no place in comparisons, are of an unknown form or version, or could run code."""


class DataMismatch(DataError):
    """Two things that should fit do not: a reward and a data set, labels and the arrays they speak of."""


class BenchError(RlTeacherError):
    """Something about the results of a benchmark."""


class ResultsDamaged(BenchError):
    """A line of the file of results cannot be read."""


class SettingsChanged(BenchError):
    """The file holds results of other settings under the same name."""


class EnvFault(RlTeacherError):
    """An environment did what it must not do."""


class NotFinite(EnvFault):
    """An environment handed out a nan or an infinity."""


class NoSegments(EnvFault):
    """No episode was long enough to cut a segment from."""


class WorkerLost(RlTeacherError):
    """A rollout worker is gone: its process ended, or the machine that it was on."""


class UserCodeFault(RlTeacherError):
    """A file of yours that a flag names cannot be loaded, or lacks what is asked of it."""


class TeacherFault(RlTeacherError):
    """A scripted teacher fails, or answers nonsense."""


class VideoFault(RlTeacherError):
    """A clip could not be rendered or encoded."""


class ServerFault(RlTeacherError):
    """The feedback server refused a request, or its answer makes no sense."""


def require(holds: bool, name: str, value: object, expected: str) -> None:
    """Raise ConfigError unless `holds`: `name` is the setting, `value` what it was, `expected` what it should be."""
    if not holds:
        raise ConfigError(f"{name}: got {value!r}, expected {expected}.")

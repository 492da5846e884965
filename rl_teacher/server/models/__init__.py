"""Everything the server remembers: people, experiments, clips, comparisons, answers."""

from rl_teacher.server.models.access import ApiToken, AuditLog, Invite, LoginLink, Tries
from rl_teacher.server.models.clips import Blob, Clip
from rl_teacher.server.models.comparisons import Assignment, Comparison, Flag
from rl_teacher.server.models.experiments import AgentVideo, Experiment, Export, Guideline, MetricPoint
from rl_teacher.server.models.health import WriteCheck
from rl_teacher.server.models.people import Membership, Role, User
from rl_teacher.server.models.predictions import Prediction
from rl_teacher.server.models.responses import LabelEvent, Response, Withdrawal

__all__ = [
    "AgentVideo",
    "ApiToken",
    "Assignment",
    "AuditLog",
    "Blob",
    "Clip",
    "Comparison",
    "Experiment",
    "Export",
    "Flag",
    "Guideline",
    "Invite",
    "LabelEvent",
    "LoginLink",
    "Membership",
    "MetricPoint",
    "Prediction",
    "Response",
    "Role",
    "Tries",
    "User",
    "Withdrawal",
    "WriteCheck",
]

"""All that agent can do: what its doors receive."""

from agent.application.act import ActHandler
from agent.application.answer_message import AnswerMessageHandler
from agent.application.begin_run import BeginRunHandler
from agent.application.cancel_run import CancelRunHandler
from agent.application.end_run import EndRunHandler
from agent.application.project import project_chat, project_kind, project_message, project_module
from agent.application.publish_assistant import PublishAssistantHandler
from agent.application.record_reply import RecordReplyHandler
from agent.application.signals import Signals
from agent.application.views import follow_run, get_agent, get_run, list_agents, list_runs, list_steps
from chassis.core import Clock


class UseCases:
    """Commands are handlers made once; reads and projections need nothing and are plain functions."""

    get_agent = staticmethod(get_agent)
    list_agents = staticmethod(list_agents)
    get_run = staticmethod(get_run)
    list_runs = staticmethod(list_runs)
    list_steps = staticmethod(list_steps)
    follow_run = staticmethod(follow_run)
    project_chat = staticmethod(project_chat)
    project_message = staticmethod(project_message)
    project_kind = staticmethod(project_kind)
    project_module = staticmethod(project_module)

    def __init__(self, clock: Clock, signals: Signals, *, assistant_model: str) -> None:
        self.publish_assistant = PublishAssistantHandler(assistant_model)
        self.act = ActHandler(clock, signals)
        self.answer_message = AnswerMessageHandler(clock, signals)
        self.begin_run = BeginRunHandler(clock)
        self.end_run = EndRunHandler(clock)
        self.cancel_run = CancelRunHandler(clock, signals)
        self.record_reply = RecordReplyHandler(signals)

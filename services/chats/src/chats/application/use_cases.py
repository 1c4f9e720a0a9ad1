"""All that chats can do: what both doors receive."""

from chassis.core import Clock
from chats.application.open_chat import OpenChatHandler
from chats.application.project_agent import project_agent
from chats.application.record_question import RecordQuestionHandler
from chats.application.record_reply import RecordReplyHandler
from chats.application.send_message import SendMessageHandler
from chats.application.views import get_chat, list_chats, list_messages


class UseCases:
    """Commands are handlers made once; reads and projections need nothing and are plain functions."""

    get_chat = staticmethod(get_chat)
    list_chats = staticmethod(list_chats)
    list_messages = staticmethod(list_messages)
    project_agent = staticmethod(project_agent)

    def __init__(self, clock: Clock) -> None:
        self.open_chat = OpenChatHandler(clock)
        self.send_message = SendMessageHandler(clock)
        self.record_question = RecordQuestionHandler(clock)
        self.record_reply = RecordReplyHandler(clock)

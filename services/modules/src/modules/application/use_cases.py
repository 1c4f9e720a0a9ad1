"""All that modules can do: what both doors receive."""

from collections.abc import Mapping
from typing import Any

from chassis.core import Clock
from modules.application.act_on_module import ActOnModuleHandler
from modules.application.change_module import ChangeModuleHandler
from modules.application.create_module import CreateModuleHandler
from modules.application.delete_module import DeleteModuleHandler
from modules.application.obey_command import ObeyCommandHandler
from modules.application.publish_kinds import PublishKindsHandler
from modules.application.refuse_command import refuse_command
from modules.application.views import KindView, get_module, list_modules, list_versions
from modules.domain.kind import Kind


class UseCases:
    """Commands are handlers made once; reads need nothing and are plain functions. Kinds never change in a process."""

    get_module = staticmethod(get_module)
    list_modules = staticmethod(list_modules)
    list_versions = staticmethod(list_versions)
    refuse_command = staticmethod(refuse_command)

    def __init__(self, clock: Clock, kinds: Mapping[str, Kind[Any]]) -> None:
        self.kind_views = [KindView.of(kind) for kind in kinds.values()]
        self.create_module = CreateModuleHandler(clock, kinds)
        self.change_module = ChangeModuleHandler(clock)
        self.act_on_module = ActOnModuleHandler(clock)
        self.delete_module = DeleteModuleHandler(clock)
        self.publish_kinds = PublishKindsHandler(kinds)
        self.obey_command = ObeyCommandHandler(
            clock, self.create_module, self.change_module, self.act_on_module, self.delete_module
        )

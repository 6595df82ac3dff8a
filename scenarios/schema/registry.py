"""The classes that `type:` names in a scenario file, found by entry point."""

from __future__ import annotations

from inspect import isclass

from twin import plugins
from twin.component import Component
from twin.parameter import Parameters


def component_class(name: str) -> type[Component]:
    """The component class registered as `name`.

    Raises
    ------
    twin.plugins.PluginError
        If there is none, or what is registered is no component.
    """
    found = plugins.load(plugins.COMPONENTS, name)
    if isclass(found) and issubclass(found, Component):
        return found
    raise plugins.PluginError(f"component {name!r} is {found!r}, not a subclass of twin.component.Component")


def campaign_class(name: str) -> type[Parameters]:
    """The campaign registered as `name`: a class whose fields are the campaign's parameters.

    Raises
    ------
    twin.plugins.PluginError
        If there is none, or what is registered is no model of parameters.
    """
    found = plugins.load(plugins.CAMPAIGNS, name)
    if isclass(found) and issubclass(found, Parameters):
        return found
    raise plugins.PluginError(f"campaign {name!r} is {found!r}, not a subclass of twin.parameter.Parameters")


def reduction_class(campaign: str) -> type[Parameters] | None:
    """The reduction registered for a campaign of this name: a class whose fields are its settings.

    None if there is none: the campaign is a mass campaign, which all share one reduction.

    Raises
    ------
    twin.plugins.PluginError
        If what is registered is no model of parameters.
    """
    if campaign not in plugins.names(plugins.REDUCTIONS):
        return None
    found = plugins.load(plugins.REDUCTIONS, campaign)
    if isclass(found) and issubclass(found, Parameters):
        return found
    raise plugins.PluginError(
        f"the reduction of {campaign!r} is {found!r}, not a subclass of twin.parameter.Parameters"
    )

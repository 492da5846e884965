"""Importing this registers the tasks: for gymnasium.make('rl_teacher.envs.register:rl_teacher/ShortHopper-v1').

The one import of this package with an effect, because Gymnasium 1.x has no other way to find the environments of an
installed package: before the colon of an id stands a module, which it imports.
"""

from rl_teacher.envs.catalog import register

register()

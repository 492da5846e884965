from django.db import migrations, models


def of_data_sets(apps, schema_editor):
    """What `rl-teacher label` made before it said so is known by the agent in its settings."""
    apps.get_model("feedback", "Experiment").objects.filter(config__agent="dataset").update(has_agent=False)


class Migration(migrations.Migration):
    dependencies = [("feedback", "0013_several_processes")]
    operations = [
        migrations.AddField("experiment", "has_agent", models.BooleanField(default=True)),
        migrations.RunPython(of_data_sets, migrations.RunPython.noop),
    ]

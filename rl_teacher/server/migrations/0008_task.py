from django.db import migrations, models


def first_lines(apps, schema_editor):
    """Until now the first line of the newest guide stood above the clips: it is the task of what is there already."""
    guidelines = apps.get_model("feedback", "Guideline").objects.order_by("experiment_id", "version")
    newest = dict(guidelines.values_list("experiment_id", "markdown"))
    for experiment, markdown in newest.items():
        line = next(iter(markdown.splitlines()), "").replace("#", "").strip()
        task = line if len(line) <= 140 else f"{line[:139]}…"
        apps.get_model("feedback", "Experiment").objects.filter(pk=experiment).update(task=task)


class Migration(migrations.Migration):
    dependencies = [("feedback", "0007_write_check")]
    operations = [
        migrations.AddField("experiment", "task", models.CharField(blank=True, default="", max_length=140)),
        migrations.AddField("experiment", "task_told", models.CharField(blank=True, default="", max_length=140)),
        migrations.AddField("experiment", "asks_task", models.BooleanField(default=False)),
        migrations.RunPython(first_lines, migrations.RunPython.noop),
    ]

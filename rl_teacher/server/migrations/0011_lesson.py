from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("feedback", "0010_guests")]
    operations = [
        migrations.AddField("experiment", "first_labels", models.PositiveIntegerField(default=0)),
        migrations.AddField("experiment", "label_budget", models.PositiveIntegerField(default=0)),
        migrations.AddField("experiment", "has_begun", models.BooleanField(default=False)),
        migrations.AddField("experiment", "relevances", models.CharField(blank=True, default="", max_length=500)),
        migrations.AddField("experiment", "ending", models.JSONField(blank=True, null=True)),
        migrations.AddField("experiment", "ending_seen_at", models.DateTimeField(blank=True, null=True)),
    ]

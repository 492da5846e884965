from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("feedback", "0008_task")]
    operations = [
        migrations.AddField("experiment", "training_left_s", models.FloatField(null=True, blank=True)),
    ]

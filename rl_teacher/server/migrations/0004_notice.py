from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("feedback", "0003_prediction")]
    operations = [
        migrations.AddField("experiment", "notice", models.CharField(blank=True, default="", max_length=500)),
        migrations.AddField("experiment", "notice_at", models.DateTimeField(blank=True, null=True)),
    ]

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("feedback", "0014_has_agent")]
    operations = [migrations.AddField("experiment", "has_pixels", models.BooleanField(default=False))]

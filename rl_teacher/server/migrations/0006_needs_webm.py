from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("feedback", "0005_indexes_of_the_hot_path")]
    operations = [migrations.AddField("experiment", "needs_webm", models.BooleanField(default=False))]

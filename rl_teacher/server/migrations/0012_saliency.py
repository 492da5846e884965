from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("feedback", "0011_lesson")]
    operations = [
        migrations.AddField("prediction", "a_picture", models.TextField(blank=True, default="")),
        migrations.AddField("prediction", "b_picture", models.TextField(blank=True, default="")),
    ]

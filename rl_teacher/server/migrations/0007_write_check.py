from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("feedback", "0006_needs_webm")]

    operations = [
        migrations.CreateModel(
            name="WriteCheck",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("filler", models.BinaryField()),
            ],
            options={"db_table": "write_check"},
        ),
    ]

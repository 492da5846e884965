from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("feedback", "0012_saliency")]
    operations = [
        migrations.AddField("export", "alive_at", models.DateTimeField(blank=True, null=True)),
        migrations.CreateModel(
            name="Tries",
            fields=[
                ("key", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("level", models.FloatField(default=0.0)),
                ("at", models.DateTimeField(db_index=True)),
            ],
            options={"db_table": "tries"},
        ),
    ]

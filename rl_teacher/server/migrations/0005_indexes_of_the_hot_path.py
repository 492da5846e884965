from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("feedback", "0004_notice")]
    operations = [
        migrations.AddIndex("assignment", models.Index(fields=["comparison", "labeler"], name="seen_by_labeler")),
        migrations.AddIndex("assignment", models.Index(fields=["labeler", "-leased_at"], name="newest_of_labeler")),
        migrations.AddIndex(
            "comparison",
            models.Index(
                fields=["experiment", "-priority", "created_at"],
                name="gold",
                condition=models.Q(state="open", gold_answer__isnull=False),
            ),
        ),
    ]

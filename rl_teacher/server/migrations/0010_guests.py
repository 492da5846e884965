from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("feedback", "0009_training_left")]
    operations = [
        migrations.AddField("user", "is_guest", models.BooleanField(default=False)),
        migrations.AddField("invite", "for_guests", models.BooleanField(default=False)),
        migrations.AddField(
            "membership",
            "invite",
            models.ForeignKey("feedback.invite", models.PROTECT, null=True, blank=True, related_name="members"),
        ),
        migrations.AddConstraint(
            "invite",
            models.CheckConstraint(
                condition=models.Q(for_guests=False) | models.Q(role="labeler"), name="guests_only_label"
            ),
        ),
    ]

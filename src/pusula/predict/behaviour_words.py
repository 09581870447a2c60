"""What the predictions of behaviour say: churn, next order, lifecycle, channels, hours."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

Words = Mapping[str, str | Promise]

TITLES: Words = MappingProxyType(
    {
        "churn": gettext_lazy("Risk of not coming back"),
        "next_order_days": gettext_lazy("Days until the next order"),
        "lifecycle": gettext_lazy("Lifecycle stage"),
        "propensity_email": gettext_lazy("Reacts to e-mail"),
        "propensity_sms": gettext_lazy("Reacts to SMS"),
        "propensity_whatsapp": gettext_lazy("Reacts to WhatsApp"),
        "propensity_call": gettext_lazy("Answers calls"),
        "propensity_webpush": gettext_lazy("Reacts to web push"),
        "best_channel": gettext_lazy("Best channel"),
        "send_hour": gettext_lazy("Best hour to send"),
    }
)

SENTENCES: Words = MappingProxyType(
    {
        "churn": gettext_lazy(
            "The probability that a customer orders nothing within this business's own horizon."
        ),
        "next_order_days": gettext_lazy(
            "In how many days a customer orders next, if they come back: the middle of what their "
            "own rhythm leads to expect."
        ),
        "lifecycle": gettext_lazy(
            "Whether a customer is new, active, at risk, lapsed, lost or returned, measured by how "
            "often they themselves usually order."
        ),
        "propensity_email": gettext_lazy(
            "The probability that a person clicks in the next e-mail within seven days."
        ),
        "propensity_sms": gettext_lazy(
            "The probability that a person clicks in the next SMS within seven days."
        ),
        "propensity_whatsapp": gettext_lazy(
            "The probability that a person clicks in the next WhatsApp message within seven days."
        ),
        "propensity_call": gettext_lazy("The probability that a person answers the next call."),
        "propensity_webpush": gettext_lazy(
            "The probability that a person taps the next web push within seven days."
        ),
        "best_channel": gettext_lazy(
            "The channel on which a person most likely reacts, of those they have used."
        ),
        "send_hour": gettext_lazy(
            "The hour of the day, where the person lives, at which they most often open, click or "
            "order."
        ),
    }
)

STAGES: Words = MappingProxyType(
    {
        "new": gettext_lazy("New"),
        "active": gettext_lazy("Active"),
        "at_risk": gettext_lazy("At risk"),
        "lapsed": gettext_lazy("Lapsed"),
        "lost": gettext_lazy("Lost"),
        "returned": gettext_lazy("Returned"),
    }
)

METHODS: Words = MappingProxyType(
    {
        "scorecard": gettext_lazy("Logistic regression: points for each range of each feature"),
        "recency": gettext_lazy("only the days since the last order count"),
        "base_rate": gettext_lazy("everybody is told the same share"),
        "own_rhythm": gettext_lazy(
            "Gaps between orders: each customer's own, filled up with everybody's where few are "
            "known"
        ),
        "same_days": gettext_lazy(
            "everybody is told the middle of what it took in the period before"
        ),
        "same_limits": gettext_lazy("the same limits in days for everybody"),
        "own_rate": gettext_lazy("only the person's own rate of reactions so far counts"),
        "highest_propensity": gettext_lazy(
            "The channel with the highest probability of a reaction"
        ),
        "own_hours": gettext_lazy(
            "Acts by hour: each person's own, filled up with everybody's where few are known"
        ),
        "common_hours": gettext_lazy("the same hour for everybody"),
    }
)

METRICS: Words = MappingProxyType(
    {
        "auc": gettext_lazy("How well it tells apart (AUC, 0.5 is chance)"),
        "log_loss": gettext_lazy("Log loss"),
        "brier": gettext_lazy("Brier score"),
        "calibration_error": gettext_lazy("Calibration error"),
        "lift": gettext_lazy("Lift in the highest tenth"),
        "mae_days": gettext_lazy("Mean error in days"),
        "median_error_days": gettext_lazy("Median error in days"),
        "inside_interval": gettext_lazy("Share inside the span that should hold eight in ten"),
        "false_alarms": gettext_lazy("At risk, and came all the same"),
        "uneven_alarms": gettext_lazy(
            "Difference of false alarms between frequent and rare buyers"
        ),
        "within_an_hour": gettext_lazy("Share within an hour of the hour told"),
    }
)

ROWS: Words = MappingProxyType(
    {
        "tenth": gettext_lazy("Tenth, the highest first"),
        "visits": gettext_lazy("Days with an order before"),
        "stage": gettext_lazy("Stage"),
        "channel": gettext_lazy("Channel"),
        "acts": gettext_lazy("Days with an act before"),
    }
)

AVOID: Words = MappingProxyType(
    {
        "comes_by_itself": gettext_lazy(
            "To claim that a message brings somebody back: it foretells and does not say what "
            "helps. Only a control group does."
        ),
        "who_never_returns": gettext_lazy(
            "To guess whether somebody returns at all: it speaks of those who do. The risk of not "
            "coming back answers that."
        ),
        "forecast": gettext_lazy(
            "To forecast who comes back: a stage compares customers with themselves. The risk of "
            "not coming back compares them with each other."
        ),
        "without_consent": gettext_lazy(
            "Instead of a consent: it says how people react, not whether they may be contacted."
        ),
        "night": gettext_lazy("To send in quiet hours: they hold whatever the hour told."),
    }
)

NOTES: Words = MappingProxyType(
    {
        "churn_horizon": gettext_lazy(
            "The horizon is %(days)s days: nine of ten who came back had come by then, as far as "
            "the history lets it be seen."
        ),
        "share_moved": gettext_lazy(
            "The share that stayed away moved from %(before)s%% to %(then)s%% between the periods: "
            "a season or a change of business that the probabilities do not know of."
        ),
        "wait_alone_is_better": gettext_lazy(
            "The days since the last order alone foretold better than all features together; so "
            "they alone are used."
        ),
        "judged_on_returned": gettext_lazy(
            "Judged on those who came back within %(days)s days; longer gaps cannot be seen yet."
        ),
        "stage_limits": gettext_lazy(
            "At risk: longer away than 80%% of their own gaps, or twice the usual one; lapsed: "
            "90%% or three times; lost: 97.5%% or six times. The smaller of the two counts."
        ),
        "reaction_days": gettext_lazy(
            "A reaction is a click by a person (a call: an answer) within %(days)s days; opens and "
            "machines do not count."
        ),
        "least_messages": gettext_lazy(
            "Only for people who got at least %(least)s messages on a channel and reacted to one."
        ),
        "hours_follow_sending": gettext_lazy(
            "People react when they are written to: hours at which you never send look worse than "
            "they are."
        ),
        "least_acts": gettext_lazy("Only for people who acted on at least %(least)s days."),
        "too_few_buyers": gettext_lazy(
            "Only %(n)s customers have bought; fewer than %(least)s teach nothing that holds."
        ),
        "too_few_of_a_kind": gettext_lazy(
            "Of the rarer outcome there are only %(n)s examples; it takes at least %(least)s."
        ),
        "too_few_came_back": gettext_lazy(
            "Only %(n)s returns are known; it takes at least %(least)s."
        ),
        "history_too_short": gettext_lazy(
            "The history is too short: it must hold a period to learn from and one to be judged on."
        ),
        "no_better_than_guessing": gettext_lazy(
            "On days it had not seen it did no better than telling everybody the same."
        ),
        "no_better_than_same_days": gettext_lazy(
            "On days it had not seen it did no better than telling everybody the same days."
        ),
        "interval_misses": gettext_lazy(
            "Of those who came, %(inside)s%% came inside the interval that should hold 80%%."
        ),
        "too_few_messaged": gettext_lazy(
            "Only %(n)s people got messages on this channel; it takes at least %(least)s."
        ),
        "no_channel": gettext_lazy("No channel has enough messages and reactions yet."),
        "too_few_with_acts": gettext_lazy(
            "Only %(n)s people have acted on enough days; it takes at least %(least)s."
        ),
        "too_few_acts": gettext_lazy(
            "On the days kept aside there were only %(n)s acts; it takes at least %(least)s."
        ),
        "no_better_than_common_hours": gettext_lazy(
            "People's own hours foretold no better than the same hour for everybody."
        ),
    }
)

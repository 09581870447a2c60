"""Journeys in English."""

from __future__ import annotations

from pusula.journeys.language.sentences.printer import Printer


class English(Printer):
    """Says steps as "Wait 3 days"."""

    LANGUAGE = "en"
    OR = "or"
    PHRASES = {
        "keyed_profile": "One run for each customer.",
        "keyed_order": "One run for each order of a customer; a cancelled order ends it.",
        "entry": "Comes in: {what}.",
        "who": "Only who: {what}.",
        "reentry": "Coming in again: {what}",
        "after": "At the earliest {length} after coming in.",
        "holdout": "Control group: {share} get nothing.",
        "no_holdout": "No control group: nobody can say what it caused.",
        "goal_is": "Goal: {what}.",
        "exit_when": "Leaves: {what}.",
        "commercial": "Commercial messages, purpose “{purpose}”, priority {priority}.",
        "service": "Service messages, purpose “{purpose}”, priority {priority}.",
        "schedule": "everybody in the segment {segment}, {when}",
        "late": "(who is known too late comes in at once)",
        "api": "when a program or a person puts them in",
        "event": "when {names} happens",
        "enters": "when they enter the segment {segment}",
        "leaves": "when they leave the segment {segment}",
        "only": " (counts if: {what})",
        "once": "on {day} at {time}",
        "daily": "every day at {time}",
        "weekly": "every {days} at {time}",
        "monthly": "on day {days} of every month at {time}",
        "trait_day": "the day “{name}”",
        "yearly": "{day}, every year",
        "date_on": "on {day}, at {time}",
        "date_before": "{length} before {day}, at {time}",
        "date_after": "{length} after {day}, at {time}",
        "per_cent": "{n}%",
        "wait_for": "Wait {length}.",
        "wait_time": "Wait until {time}.",
        "wait_weekday": "Wait until {days}, {time}.",
        "wait_own_time": "Wait until the hour at which the person acts; if unknown, {time}.",
        "wait_own_weekday": "Wait until {days}, the hour at which the person acts; "
        "if unknown, {time}.",
        "wait_date": "Wait until: {date}.",
        "wait_first": "Wait: {what}; at most {length}.",
        "branch": "Choose by condition.",
        "split": "Draw lots.",
        "message": "Send a message: {ways}; not later than {length} after its time.",
        "message_way": "{channel} {names}",
        "then_by": ", else ",
        "task": "Have an agent call: {title}, within {length}.",
        "approval": "Ask a colleague: {title}, within {length}.",
        "webhook": "Tell {url}.",
        "set_trait": "Set the trait “{name}” to “{value}”.",
        "list_add": "Add to the list “{name}”.",
        "list_remove": "Remove from the list “{name}”.",
        "coupon": "Reserve a code from the pool “{name}”.",
        "goal": "Goal reached.",
        "exit": "Leave the journey.",
        "go_on": "Continue with this step: {to}.",
        "when": "If: {what}",
        "variant": "Variant “{name}”, {share}",
        "outcome": "If the call ends with {title}",
        "branch_else": "Otherwise",
        "waitfirst_then": "If it comes",
        "waitfirst_else": "If the time is over",
        "approval_then": "If the answer is yes",
        "approval_else": "If it is no, or there is none",
        "task_else": "If nobody called in time",
        "coupon_else": "If no code is left",
    }
    UNITS = {
        "second": ("second", "seconds"),
        "minute": ("minute", "minutes"),
        "hour": ("hour", "hours"),
        "day": ("day", "days"),
        "week": ("week", "weeks"),
        "month": ("month", "months"),
        "year": ("year", "years"),
    }
    WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    CHANNELS = {
        "email": "e-mail",
        "sms": "SMS",
        "whatsapp": "WhatsApp",
        "call": "call",
        "webpush": "web push",
    }
    ORDERS = {
        "placed": "when an order is placed",
        "pending": "when an order becomes pending",
        "confirmed": "when an order is confirmed",
        "in_house": "when the guest checks in",
        "completed": "when an order is completed",
        "cancelled": "when an order is cancelled",
        "no_show": "when the guest does not come",
    }
    DAYS = {
        "starts_on": "the day of arrival",
        "ends_on": "the day of departure",
        "ordered_at": "the day of the order",
    }
    RULES = {
        "never": "never.",
        "always": "always, also while still in it.",
        "one_at_a_time": "once they are out.",
        "restart": "at any time; what is under way ends and begins anew.",
    }

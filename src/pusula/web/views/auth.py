"""Signing in and out."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import login
from django.contrib.auth import views as django_views
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from pusula.consent import proofs
from pusula.lib import clock
from pusula.privacy import audit
from pusula.web import sign_in
from pusula.web.actions import redeem_login_link
from pusula.web.queries import is_open_login_link


@method_decorator(login_not_required, name="dispatch")
class SignIn(django_views.LoginView):
    """User name and password."""

    template_name = "web/auth/login.html"
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Look at the password, unless there were too many tries."""
        network = proofs.network(request.META.get("REMOTE_ADDR", ""))
        tried = sign_in.begin(request.POST.get("username", ""), network, at=clock.now())
        if isinstance(tried, int):
            minutes = -(-tried // clock.MINUTE)
            context = self.get_context_data(form=self.get_form_class()(), wait=minutes)
            answer = self.render_to_response(context, status=429)
            answer.headers["Retry-After"] = str(minutes * 60)
            return answer
        self._tried = tried
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Sign the user in, and write it down."""
        sign_in.succeeded(self._tried)
        answer = super().form_valid(form)
        audit.record(form.get_user().get_username(), "user.signed_in", by="password")
        return answer


class SignOut(django_views.LogoutView):
    """Sign out by POST."""


@login_not_required
@never_cache
@require_http_methods(["GET", "POST"])
def login_link(request: HttpRequest, token: str) -> HttpResponse:
    """Show the button that spends the link; on POST spend it and sign its user in.

    Opening the address alone spends nothing: mail scanners and chat previews open links too.
    """
    if request.method == "POST":
        user = redeem_login_link(token)
        if user is not None:
            login(request, user)
            audit.record(user.get_username(), "user.signed_in", by="link")
            return redirect("overview")
    is_open = is_open_login_link(token)
    context = {"is_open": is_open}
    return render(request, "web/auth/login_link.html", context, status=200 if is_open else 410)

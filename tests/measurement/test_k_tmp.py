import pytest
from pathlib import Path
from pusula.profiles.models import Identifier, Profile
from pusula.sources.actions import run_import
@pytest.mark.django_db
def test_k():
    r=run_import("profiles", Path("/work/shared/data/hillstrom.parquet"), Path("/work/main/tests/maps/hillstrom.toml"))
    print(r.n_new, r.n_rejected, r.reasons[:2], Profile.objects.count(), Identifier.objects.count(), list(Identifier.objects.values_list("kind","value")[:3]), Identifier.objects.filter(value="shop:1").count(), Identifier.objects.filter(kind="key", value__in=["shop:1","shop:2"]).count())

"""One hospital: its home folder, its settings, and everything that is kept there.

::

    HOME/
      vesalius.toml      the settings
      vesalius.sqlite    the database, unless the settings name another
      columns/           the lake's typed columns, which can be made again from the database
      models/            model files, each named by its SHA-256, with its signature
      keys/              the key that signs them and the audit, and the public keys of others that are trusted
      runs/              validation runs
      reports/           their reports, as files
      tables/            rows of other databases, on their way in
      imports/           uploads of machines, on their way in
      rules/             the hospital's own rules for gates, the questionnaire and obligations
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from vesalius import bought, identity
from vesalius.errors import Unavailable
from vesalius.governance import audit, literacy, rulebook, uses
from vesalius.governance.access import Access, Rules
from vesalius.lake import Lake
from vesalius.modelling import Keys, ModelStore
from vesalius.review import Review
from vesalius.settings import Settings
from vesalius.store import open_store
from vesalius.usecase import UseCase, find


@dataclass(frozen=True)
class Hospital:
    """Everything one hospital keeps, opened.

    Attributes:
        home: its folder.
        settings: its settings.
        engine: its database.
        lake: everything received, as FHIR R4.
        review: suggestions, decisions and outcomes.
        models: its model files.
        access: who may see whom.
    """

    home: Path
    settings: Settings
    engine: sa.Engine
    lake: Lake
    review: Review
    models: ModelStore
    access: Access

    @classmethod
    def open(cls, home: Path, settings: Settings | None = None) -> Hospital:
        """Opens the hospital whose home folder is ``home``; makes what is missing, for its owner alone.

        Args:
            home: its folder.
            settings: its settings, or None for those of its folder and of the environment.

        Raises:
            InvalidSetting: a setting is wrong.
            Unavailable: the folder cannot be made, or the database does not answer.
        """
        home = home.absolute()
        try:
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            (home / "columns").mkdir(mode=0o700, exist_ok=True)  # patient data, even where the home is open
        except OSError as error:
            raise Unavailable(f"cannot make the folder {home}: {error.strerror}") from None
        settings = settings or Settings.load(home)
        engine = open_store(settings.database or f"sqlite:///{home / 'vesalius.sqlite'}")
        keys = Keys(home / "keys")
        audit.heads.keep_signing(engine, keys)
        lake = Lake(engine, home / "columns", witness=audit.told)
        rulebook.adopt(engine, home)
        lake.resume_erasures()  # one that was broken off after its rows were emptied
        bought.adopt(engine)
        identity.resume(lake)  # a move of a merged patient that was broken off
        return cls(
            home=home,
            settings=settings,
            engine=engine,
            lake=lake,
            review=Review(engine, witness=audit.record, requirement=literacy.Requirement(settings)),
            models=ModelStore(home / "models", keys),
            access=Access(lake, Rules.of(settings)),
        )

    def close(self) -> None:
        """Lets go of the database."""
        bought.forget(self.engine)
        self.engine.dispose()

    @property
    def keys(self) -> Keys:
        """The keys that sign models and heads of the audit."""
        return Keys(self.home / "keys")

    @property
    def runs(self) -> Path:
        """The folder of validation runs."""
        return self.home / "runs"

    def usecase(self, name: str) -> UseCase:
        """The use case ``name`` with the model and the settings that are in force here."""
        use = uses.current(self.engine, name)
        return self.usecase_with(name, use.model, use.settings)

    def usecase_with(self, name: str, model: str, settings: dict[str, float]) -> UseCase:
        """The use case ``name`` with a model, by its hash (empty: the one it ships), and with settings."""
        return find(name)(self.models.load(model) if model else None, settings)

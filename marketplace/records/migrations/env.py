"""Alembic's door: it is handed a connection by `marketplace.records.schema` and asks nobody else for one."""

from alembic import context

from marketplace.records import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    compare_type=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()

"""Lines are found by their tokens alone, as clients of Whapi name their channel.

Kind: expand; code of 0008 lives beside it
Revision: 0009, after 0008
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("uq_lines_token_hash", "lines", ["token_hash"], unique=True)


def downgrade() -> None:
    op.drop_index("uq_lines_token_hash", table_name="lines")

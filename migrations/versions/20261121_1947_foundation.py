"""The tables of the main job, each with its row policy.

Kind: expand
Revision: 0001, after nothing
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import system_table, tenant_table

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "email_codes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("address_key", sa.String(), nullable=False),
        sa.Column("organization_name", sa.String(), nullable=True),
        sa.Column("locale", sa.String(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("code_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_email_codes")),
    )
    op.create_index("ix_email_codes_address_key", "email_codes", ["address_key", "created_at"], unique=False)
    op.create_table(
        "findings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("environment", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("upstream_id", sa.BigInteger(), nullable=True),
        sa.Column("tag", sa.String(), nullable=True),
        sa.Column("instance_id", sa.Uuid(), nullable=True),
        sa.Column("policy", sa.String(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sightings", sa.Integer(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_findings")),
    )
    op.create_index(
        "uq_findings_open",
        "findings",
        ["environment", "kind", "subject"],
        unique=True,
        postgresql_where=sa.text("closed_at is null"),
    )
    op.create_table(
        "idempotent_requests",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("route", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("ref", sa.Uuid(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("headers", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "key", "route", name=op.f("pk_idempotent_requests")),
    )
    op.create_index("ix_idempotent_requests_created_at", "idempotent_requests", ["created_at"], unique=False)
    op.create_table(
        "ledger_transactions",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=True),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_ledger_transactions")),
        sa.UniqueConstraint("kind", "source", name=op.f("uq_ledger_transactions_kind_source")),
    )
    op.create_index(
        "ix_ledger_transactions_instance_id", "ledger_transactions", ["instance_id", "posted_at"], unique=False
    )
    op.create_table(
        "operator_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("last4", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator_keys")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_operator_keys_secret_hash")),
    )
    op.create_table(
        "tenants",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("metadata", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenants")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("address_key", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("address_key", name=op.f("uq_users_address_key")),
    )
    op.create_table(
        "work",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("ref", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=True),
        sa.Column("run_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("rung", sa.Boolean(), nullable=False),
        sa.Column("lease_token", sa.Uuid(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dead_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work")),
    )
    op.create_index("ix_work_due", "work", ["run_at"], unique=False, postgresql_where=sa.text("dead_at is null"))
    op.create_index(
        "uq_work_kind_ref", "work", ["kind", "ref"], unique=True, postgresql_where=sa.text("dead_at is null")
    )
    op.create_table(
        "api_keys",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("environment", sa.String(), nullable=False),
        sa.Column("scopes", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("instance_ids", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("last4", sa.String(), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=True),
        sa.Column("previous_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_api_keys_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_api_keys_secret_hash")),
    )
    op.create_index(
        "ix_api_keys_previous_hash",
        "api_keys",
        ["previous_hash"],
        unique=False,
        postgresql_where=sa.text("previous_hash is not null"),
    )
    op.create_table(
        "event_sequences",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("stream_id", sa.Uuid(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_event_sequences_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "stream_id", name=op.f("pk_event_sequences")),
    )
    op.create_table(
        "events",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("environment", sa.String(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=True),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("data", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_events_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_events")),
    )
    op.create_index("ix_events_created_at", "events", ["created_at"], unique=False)
    op.create_index("ix_events_tenant_id_instance_id", "events", ["tenant_id", "instance_id", "sequence"], unique=False)
    op.create_index("uq_events_tenant_id_position", "events", ["tenant_id", "position"], unique=True)
    op.create_table(
        "instances",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("environment", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("connection", sa.String(), nullable=False),
        sa.Column("wanted", sa.Boolean(), nullable=False),
        sa.Column("suspended_by", sa.String(), nullable=True),
        sa.Column("metadata", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("tag", sa.String(), nullable=False),
        sa.Column("upstream_id", sa.BigInteger(), nullable=True),
        sa.Column("upstream_token_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("upstream_created_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("upstream_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("upstream_deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("hook_token_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("hook_token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("create_attempts", sa.Integer(), nullable=False),
        sa.Column("calling_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("quiet_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delete_step", sa.String(), nullable=True),
        sa.Column("failure", sa.String(), nullable=True),
        sa.Column("phone", sa.String(), nullable=True),
        sa.Column("profile_name", sa.String(), nullable=True),
        sa.Column("connected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state_checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_instances_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_instances")),
        sa.UniqueConstraint("id", name=op.f("uq_instances_id")),
        sa.UniqueConstraint("provider", "environment", "upstream_id", name="uq_instances_upstream"),
        sa.UniqueConstraint("tag", name=op.f("uq_instances_tag")),
    )
    op.create_index("ix_instances_status", "instances", ["status"], unique=False)
    op.create_index(
        "uq_instances_tenant_name",
        "instances",
        ["tenant_id", "environment", "name"],
        unique=True,
        postgresql_where=sa.text("status <> 'deleted'"),
    )
    op.create_table(
        "ledger_entries",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "transaction_id"],
            ["ledger_transactions.tenant_id", "ledger_transactions.id"],
            name=op.f("fk_ledger_entries_tenant_id_transaction_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "transaction_id", "account", name=op.f("pk_ledger_entries")),
    )
    op.create_index("ix_ledger_entries_account", "ledger_entries", ["account"], unique=False)
    op.create_table(
        "memberships",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_memberships_tenant_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_memberships_user_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_memberships")),
        sa.UniqueConstraint("tenant_id", "user_id", name=op.f("uq_memberships_tenant_id_user_id")),
    )
    op.create_index("ix_memberships_user_id", "memberships", ["user_id"], unique=False)
    op.create_table(
        "operations",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("environment", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("resource_type", sa.String(), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.String(), nullable=True),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("eta_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("input", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("result", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("error", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_operations_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_operations")),
    )
    op.create_index("ix_operations_resource", "operations", ["tenant_id", "resource_id"], unique=False)
    op.create_index(
        "uq_operations_open",
        "operations",
        ["tenant_id", "resource_id", "type"],
        unique=True,
        postgresql_where=sa.text("status in ('queued', 'running')"),
    )
    op.create_table(
        "sessions",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("environment", sa.String(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_sessions_tenant_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sessions_user_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sessions_token_hash")),
    )
    op.create_table(
        "tenant_keys",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_tenant_keys_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_tenant_keys")),
    )
    op.create_table(
        "webhook_endpoints",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("environment", sa.String(), nullable=False),
        sa.Column("event_types", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("instance_ids", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("disabled_reason", sa.String(), nullable=True),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failing_told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("previous_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("previous_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("metadata", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_webhook_endpoints_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_webhook_endpoints")),
    )
    op.create_table(
        "deliveries",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("event_type", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("attempt_count", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("running_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("parked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "endpoint_id"],
            ["webhook_endpoints.tenant_id", "webhook_endpoints.id"],
            name=op.f("fk_deliveries_tenant_id_endpoint_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "event_id"], ["events.tenant_id", "events.id"], name=op.f("fk_deliveries_tenant_id_event_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint(
            "tenant_id", "endpoint_id", "event_id", name=op.f("uq_deliveries_tenant_id_endpoint_id_event_id")
        ),
    )
    op.create_index("ix_deliveries_event", "deliveries", ["tenant_id", "event_id"], unique=False)
    op.create_index(
        "ix_deliveries_parked",
        "deliveries",
        ["endpoint_id", "parked_at"],
        unique=False,
        postgresql_where=sa.text("parked_at is not null"),
    )
    op.create_index(
        "ix_deliveries_pending",
        "deliveries",
        ["endpoint_id"],
        unique=False,
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_index(
        "ix_deliveries_running",
        "deliveries",
        ["endpoint_id"],
        unique=False,
        postgresql_where=sa.text("running_until is not null"),
    )
    op.create_table(
        "messages",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("chat_id", sa.String(), nullable=False),
        sa.Column("content", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("sender", sa.String(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("error", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("upstream_message_id", sa.String(), nullable=True),
        sa.Column("client_reference", sa.String(), nullable=True),
        sa.Column("idempotency_key", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("forwarded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "instance_id"],
            ["instances.tenant_id", "instances.id"],
            name=op.f("fk_messages_tenant_id_instance_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_messages")),
        sa.UniqueConstraint("tenant_id", "instance_id", "upstream_message_id", name="uq_messages_upstream"),
    )
    op.create_index("ix_messages_instance", "messages", ["tenant_id", "instance_id", "id"], unique=False)
    op.create_index(
        "ix_messages_unsettled",
        "messages",
        ["forwarded_at"],
        unique=False,
        postgresql_where=sa.text("status in ('sending', 'unknown')"),
    )
    op.create_table(
        "notices",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("dedupe", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "instance_id"],
            ["instances.tenant_id", "instances.id"],
            name=op.f("fk_notices_tenant_id_instance_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_notices")),
        sa.UniqueConstraint("tenant_id", "instance_id", "dedupe", name=op.f("uq_notices_tenant_id_instance_id_dedupe")),
    )
    op.create_index("ix_notices_received_at", "notices", ["received_at"], unique=False)
    op.create_table(
        "subscriptions",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("environment", sa.String(), nullable=False),
        sa.Column("plan", sa.String(), nullable=False),
        sa.Column("billing_mode", sa.String(), nullable=False),
        sa.Column("trial_ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paid_through_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("announced", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "instance_id"],
            ["instances.tenant_id", "instances.id"],
            name=op.f("fk_subscriptions_tenant_id_instance_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "instance_id", name=op.f("pk_subscriptions")),
    )
    op.create_index("ix_subscriptions_paid_through_at", "subscriptions", ["paid_through_at"], unique=False)
    op.create_index("ix_subscriptions_trial_ends_at", "subscriptions", ["trial_ends_at"], unique=False)
    op.create_table(
        "upstream_calls",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("tag", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("detail", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "instance_id"],
            ["instances.tenant_id", "instances.id"],
            name=op.f("fk_upstream_calls_tenant_id_instance_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_upstream_calls")),
    )
    op.create_index("ix_upstream_calls_instance", "upstream_calls", ["tenant_id", "instance_id"], unique=False)
    op.create_table(
        "usage_chats",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("month_on", sa.Date(), nullable=False),
        sa.Column("chat_id", sa.String(), nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "instance_id"],
            ["instances.tenant_id", "instances.id"],
            name=op.f("fk_usage_chats_tenant_id_instance_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "instance_id", "month_on", "chat_id", name=op.f("pk_usage_chats")),
    )
    op.create_table(
        "usage_counters",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("metric", sa.String(), nullable=False),
        sa.Column("period_on", sa.Date(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "instance_id"],
            ["instances.tenant_id", "instances.id"],
            name=op.f("fk_usage_counters_tenant_id_instance_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "instance_id", "metric", "period_on", name=op.f("pk_usage_counters")),
    )
    op.create_table(
        "delivery_attempts",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("attempted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("reply_excerpt", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "delivery_id"],
            ["deliveries.tenant_id", "deliveries.id"],
            name=op.f("fk_delivery_attempts_tenant_id_delivery_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_delivery_attempts")),
    )
    op.create_index("ix_delivery_attempts_delivery", "delivery_attempts", ["tenant_id", "delivery_id"], unique=False)
    for table in (
        "api_keys",
        "deliveries",
        "delivery_attempts",
        "event_sequences",
        "events",
        "idempotent_requests",
        "instances",
        "memberships",
        "messages",
        "notices",
        "operations",
        "sessions",
        "subscriptions",
        "upstream_calls",
        "usage_chats",
        "usage_counters",
        "webhook_endpoints",
    ):
        tenant_table(table)
    tenant_table("tenants", column="id", grant="select, update")
    tenant_table("tenant_keys", grant="select")
    tenant_table("ledger_transactions", grant="select")
    tenant_table("ledger_entries", grant="select")
    tenant_table("work", grant="select, insert, update")
    for table in ("email_codes", "findings", "operator_keys", "users"):
        system_table(table)
    op.execute("grant usage on schema public to sublet_app, sublet_system")
    op.execute("grant select on alembic_version to sublet_app, sublet_system")


def downgrade() -> None:
    op.drop_index("ix_delivery_attempts_delivery", table_name="delivery_attempts")
    op.drop_table("delivery_attempts")
    op.drop_table("usage_counters")
    op.drop_table("usage_chats")
    op.drop_index("ix_upstream_calls_instance", table_name="upstream_calls")
    op.drop_table("upstream_calls")
    op.drop_index("ix_subscriptions_trial_ends_at", table_name="subscriptions")
    op.drop_index("ix_subscriptions_paid_through_at", table_name="subscriptions")
    op.drop_table("subscriptions")
    op.drop_index("ix_notices_received_at", table_name="notices")
    op.drop_table("notices")
    op.drop_index(
        "ix_messages_unsettled", table_name="messages", postgresql_where=sa.text("status in ('sending', 'unknown')")
    )
    op.drop_index("ix_messages_instance", table_name="messages")
    op.drop_table("messages")
    op.drop_index(
        "ix_deliveries_running", table_name="deliveries", postgresql_where=sa.text("running_until is not null")
    )
    op.drop_index("ix_deliveries_pending", table_name="deliveries", postgresql_where=sa.text("status = 'pending'"))
    op.drop_index("ix_deliveries_parked", table_name="deliveries", postgresql_where=sa.text("parked_at is not null"))
    op.drop_index("ix_deliveries_event", table_name="deliveries")
    op.drop_table("deliveries")
    op.drop_table("webhook_endpoints")
    op.drop_table("tenant_keys")
    op.drop_table("sessions")
    op.drop_index(
        "uq_operations_open", table_name="operations", postgresql_where=sa.text("status in ('queued', 'running')")
    )
    op.drop_index("ix_operations_resource", table_name="operations")
    op.drop_table("operations")
    op.drop_index("ix_memberships_user_id", table_name="memberships")
    op.drop_table("memberships")
    op.drop_index("ix_ledger_entries_account", table_name="ledger_entries")
    op.drop_table("ledger_entries")
    op.drop_index("uq_instances_tenant_name", table_name="instances", postgresql_where=sa.text("status <> 'deleted'"))
    op.drop_index("ix_instances_status", table_name="instances")
    op.drop_table("instances")
    op.drop_index("uq_events_tenant_id_position", table_name="events")
    op.drop_index("ix_events_tenant_id_instance_id", table_name="events")
    op.drop_index("ix_events_created_at", table_name="events")
    op.drop_table("events")
    op.drop_table("event_sequences")
    op.drop_index(
        "ix_api_keys_previous_hash", table_name="api_keys", postgresql_where=sa.text("previous_hash is not null")
    )
    op.drop_table("api_keys")
    op.drop_index("uq_work_kind_ref", table_name="work", postgresql_where=sa.text("dead_at is null"))
    op.drop_index("ix_work_due", table_name="work", postgresql_where=sa.text("dead_at is null"))
    op.drop_table("work")
    op.drop_table("users")
    op.drop_table("tenants")
    op.drop_table("operator_keys")
    op.drop_index("ix_ledger_transactions_instance_id", table_name="ledger_transactions")
    op.drop_table("ledger_transactions")
    op.drop_index("ix_idempotent_requests_created_at", table_name="idempotent_requests")
    op.drop_table("idempotent_requests")
    op.drop_index("uq_findings_open", table_name="findings", postgresql_where=sa.text("closed_at is null"))
    op.drop_table("findings")
    op.drop_index("ix_email_codes_address_key", table_name="email_codes")
    op.drop_table("email_codes")

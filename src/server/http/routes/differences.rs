//! Where ours and the broker's do not agree, and what a program may do about a line: cancel and flatten what it was shown.
//! Taking the broker's word and leaving a line for a time are a person's, at the desk or in a shell: the engine refuses them
//! here.

use super::super::act::Done;
use super::super::body::{Asked, Body};
use super::super::{ApiError, Context};
use super::names;
use crate::domain::{AccountKey, SafeText};
use crate::engine::Command;
use crate::engine::difference::{Difference, Remedy, Subject, differences};
use crate::server::doors::{Caller, Role};
use crate::server::views::rows::{text, time};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(resolve))
        .routes(routes!(reconcile))
}

/// Which differences.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Of this account; of every one that the caller may see without.
    account: Option<String>,
}

/// Where ours and the broker's do not agree.
#[derive(Debug, Serialize, ToSchema)]
struct Differing {
    /// What arming waits for first, then the oldest.
    differences: Vec<DifferenceRow>,
    /// The event up to which this is true.
    sequence: u64,
}

/// One line.
#[derive(Debug, Serialize, ToSchema)]
struct DifferenceRow {
    account: String,
    /// Its name: `gap`, `position:AAPL`, `overfill:AAPL` or `order:ID`.
    id: String,
    /// `position`, `overfill`, `gap`, `doubled`, `in_doubt`, `unconfirmed`, `missing`, `unanswered`, `lost` or `unknown`.
    kind: &'static str,
    symbol: Option<String>,
    /// What we have.
    ours: String,
    /// What the broker says.
    theirs: String,
    /// What was meant.
    intent: String,
    since: Option<String>,
    /// Not explained by reports that are under way.
    certain: bool,
    /// Arming waits for it.
    blocks: bool,
    /// Who left it as it is, where somebody did.
    ignored_by: Option<String>,
    /// Until when.
    ignored_until: Option<String>,
    /// What can be done: `adopt`, `ignore`, `cancel`, `flatten`.
    actions: Vec<&'static str>,
    /// The fingerprint of what stands here; who does something about it names it.
    seen: u32,
}

impl From<Difference> for DifferenceRow {
    fn from(line: Difference) -> Self {
        Self {
            account: line.account.account.to_string(),
            id: line.subject.to_string(),
            kind: line.kind.name(),
            symbol: text(line.instrument),
            blocks: line.blocks(),
            ignored_by: text(line.ignored.as_ref().map(|ignored| &ignored.by)),
            ignored_until: time(line.ignored.as_ref().and_then(|ignored| ignored.until)),
            ours: line.ours,
            theirs: line.theirs,
            intent: line.intent,
            since: time(line.since),
            certain: line.is_certain,
            actions: line.remedies,
            seen: line.seen,
        }
    }
}

/// Ours, the broker's and what was meant, side by side, where they do not agree.
#[utoipa::path(get, path = "/differences", tag = "risk", params(Which), responses((status = 200, body = Differing)))]
async fn list(
    State(context): State<Context>,
    caller: Caller,
    Asked(which): Asked<Which>,
) -> Result<Json<Differing>, ApiError> {
    let now = (context.about.clock)();
    context.replica.read(|known| {
        let accounts: Vec<AccountKey> = match &which.account {
            Some(name) => vec![names::account(known, &caller, name)?],
            None => names::accounts(known, &caller).collect(),
        };
        let lines = accounts
            .into_iter()
            .flat_map(|account| differences(&known.state, account, now));
        Ok(Json(Differing {
            differences: lines.map(DifferenceRow::from).collect(),
            sequence: known.state.sequence,
        }))
    })
}

/// What is done about a line.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct Deed {
    /// Whose; the usual account without.
    account: Option<String>,
    /// The line's name.
    #[schema(example = "order:TW01ARZ3NDEKTSV4RRFFQ69G5FAV")]
    id: String,
    /// `cancel` or `flatten`; `adopt` and `ignore` are a person's, at the desk or in a shell.
    #[schema(example = "cancel")]
    action: String,
    /// The fingerprint of the line as it was read: where it says something else by now, nothing is done.
    seen: u32,
    /// For `ignore`: for how many minutes.
    minutes: Option<u32>,
}

/// What came of it.
#[derive(Debug, Serialize, ToSchema)]
struct Resolved {
    account: String,
    /// What the engine has to say.
    note: Option<String>,
}

fn told(account: AccountKey, done: Done) -> (StatusCode, Json<Resolved>) {
    let told = Resolved {
        account: account.account.to_string(),
        note: text(done.note),
    };
    (StatusCode::ACCEPTED, Json(told))
}

/// Does something about a line, as it was read. To flatten wants a person's second factor again; a key needs none.
#[utoipa::path(post, path = "/differences", tag = "risk", request_body = Deed, responses((status = 202, body = Resolved)))]
async fn resolve(
    State(context): State<Context>,
    caller: Caller,
    Body(deed): Body<Deed>,
) -> Result<(StatusCode, Json<Resolved>), ApiError> {
    caller.require(Role::Trade)?;
    let subject: Subject = deed.id.parse().map_err(ApiError::bad)?;
    let (account, exit) = context.replica.read(|known| {
        let account = names::meant(known, &context, &caller, deed.account.as_ref())?;
        Ok::<_, ApiError>((account, context.new_id_from(known)))
    })?;
    let remedy = match deed.action.as_str() {
        "adopt" => Remedy::Adopt,
        "split" => Remedy::Split,
        "ignore" => Remedy::Ignore {
            minutes: deed.minutes.unwrap_or(24 * 60),
        },
        "cancel" => Remedy::Cancel,
        "flatten" => {
            caller.require_step_up_of_person((context.about.clock)())?;
            Remedy::Flatten { exit }
        }
        other => {
            let text = format!(
                "action '{}': adopt, split, ignore, cancel or flatten",
                SafeText::new(&other.chars().take(24).collect::<String>())
            );
            return Err(ApiError::bad(text));
        }
    };
    let command = Command::Resolve {
        account,
        subject,
        remedy,
        seen: deed.seen,
    };
    let done = context.act(&caller, command).await?;
    Ok(told(account, done))
}

/// Whose books are read.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct Whose {
    /// Which account; the usual one without.
    account: Option<String>,
}

/// Reads and compares what the broker knows of an account, now. It is done by itself after every connection and every half
/// minute.
#[utoipa::path(post, path = "/reconcile", tag = "risk", request_body = Whose, responses((status = 202, body = Resolved)))]
async fn reconcile(
    State(context): State<Context>,
    caller: Caller,
    Body(whose): Body<Whose>,
) -> Result<(StatusCode, Json<Resolved>), ApiError> {
    caller.require(Role::Trade)?;
    let account = context
        .replica
        .read(|known| names::meant(known, &context, &caller, whose.account.as_ref()))?;
    let done = context.act(&caller, Command::Reconcile { account }).await?;
    Ok(told(account, done))
}

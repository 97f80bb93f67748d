//! Answers messages by the rules of a profile.

use std::time::Duration;

use framelink_transport::session::LastBytes;
use framelink_transport::tokio::Server;
use framelink_transport::{DrainReport, Profile, RuleHandler};

use crate::output::Count;
use crate::server::serving::concurrency;
use crate::server::strangers::{self, Kind};

/// Serves until the drain. Each connection begins with the first rule. A delay does not hold up the replies to other
/// messages, unless replies are matched by their order.
pub(super) async fn run(server: Server, profile: &Profile) -> DrainReport {
    let (first, server) = (server.rule_handler(), server.concurrency(concurrency(profile)));
    server
        .run_per_connection(move |_| {
            let rules = first.another();
            move |message| answer(&rules, &message)
        })
        .await
}

/// Decides at once, so that rules count messages in their order. Then waits.
fn answer(
    rules: &RuleHandler,
    message: &[u8],
) -> impl Future<Output = Result<Option<Vec<u8>>, LastBytes>> + Send + use<> {
    let len = Count(message.len() as u64, "byte");
    tracing::debug!("a message of {len}");
    let (after, reply) = match rules.answer(message) {
        Ok(answer) => {
            if answer.rule.is_none() {
                strangers::line(Kind::Unruled, || {
                    tracing::warn!("no rule is for a message of {len}, so it has no reply")
                });
            }
            (answer.after, answer.reply)
        }
        Err(error) => {
            strangers::line(Kind::Unruled, || tracing::warn!("no reply to a message of {len}: {error}"));
            (Duration::ZERO, Ok(None))
        }
    };
    async move {
        if !after.is_zero() {
            tokio::time::sleep(after).await;
        }
        reply
    }
}

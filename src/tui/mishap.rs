//! In a debug build, and nowhere else: a panic at a key, so that a test of the real program can see what one leaves of the
//! terminal. `TRADEWIND_MISHAP=loop` panics in the desk's own loop at Ctrl-\ (a byte that means nothing to the desk),
//! `TRADEWIND_MISHAP=thread` in a thread beside it. A release build has neither the key nor the variable.

/// Ctrl-\ as a terminal sends it.
const KEY: &[u8] = b"\x1c";

/// Panics where the environment asks for it and the key came.
#[expect(clippy::panic, reason = "it is what the variable asks for")]
pub(super) fn at(bytes: &[u8]) {
    if bytes != KEY {
        return;
    }
    match std::env::var("TRADEWIND_MISHAP").as_deref() {
        Ok("loop") => panic!("a mishap in the loop, as TRADEWIND_MISHAP asks"),
        Ok("thread") => {
            let mishap = || panic!("a mishap in a thread, as TRADEWIND_MISHAP asks");
            drop(
                std::thread::Builder::new()
                    .name("mishap".to_owned())
                    .spawn(mishap),
            );
        }
        _ => {}
    }
}

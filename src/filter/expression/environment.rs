//! The CEL environment of all conditions.

use std::sync::{Arc, LazyLock};

use cel::{Env, extensions};

/// CEL's standard library with its strings extension.
pub(super) static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut env = Env::stdlib();
    env.add_extension(extensions::strings)
        .expect("the standard environment has no strings extension yet");
    Arc::new(env)
});

//! The files that are part of the program: the commented settings that a person may start from, and the themes.

/// The commented `config.toml`, equal to the built-in defaults.
pub const CONFIG: &str = include_str!("../../config.toml");

/// The built-in themes: name and file. The first is the default.
pub const THEMES: &[(&str, &str)] = &[
    ("default", include_str!("../../themes/default.toml")),
    ("light", include_str!("../../themes/light.toml")),
    ("high-contrast", include_str!("../../themes/high-contrast.toml")),
    ("mono", include_str!("../../themes/mono.toml")),
    ("classic", include_str!("../../themes/classic.toml")),
];

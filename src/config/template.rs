//! The files that are part of the program: the commented settings that a person may start from, and the themes.

/// The commented `config.toml`, equal to the built-in defaults.
pub const CONFIG: &str = include_str!("../../config.toml");

/// The built-in themes: name and file. The first is the default.
pub const THEMES: &[(&str, &str)] = &[
    ("default", include_str!("../../themes/default.toml")),
    ("dim", include_str!("../../themes/dim.toml")),
    ("dusk", include_str!("../../themes/dusk.toml")),
    ("light", include_str!("../../themes/light.toml")),
    ("sand", include_str!("../../themes/sand.toml")),
    ("classic", include_str!("../../themes/classic.toml")),
    ("red-up", include_str!("../../themes/red-up.toml")),
    ("deuteranopia", include_str!("../../themes/deuteranopia.toml")),
    ("tritanopia", include_str!("../../themes/tritanopia.toml")),
    ("high-contrast", include_str!("../../themes/high-contrast.toml")),
    (
        "high-contrast-light",
        include_str!("../../themes/high-contrast-light.toml"),
    ),
    ("mono", include_str!("../../themes/mono.toml")),
];

"""The palettes: dark, light, and one in the terminal's own sixteen colours. Roles get their colour in app.tcss."""

from textual.theme import Theme

DARK = Theme(
    name="arbsniper-dark",
    primary="#5fd7c7",
    secondary="#8a94a0",
    accent="#5fd7c7",
    warning="#e5b567",
    error="#f2777a",
    success="#8cc98c",
    foreground="#c3cad3",
    background="#0f1216",
    surface="#151a20",
    panel="#1b2129",
    dark=True,
    variables={
        "ink": "#c3cad3",
        "ink-bright": "#ffffff",
        "ink-quiet": "#7d8793",
        "ink-head": "#9aa4af",
        "ink-rule": "#333b45",
        "ink-bar": "#5a8fa8",
        "ink-cursor": "#232c36",
        "ink-badge": "#0f1216",
        "scrollbar": "#333b45",
        "scrollbar-hover": "#4a5560",
        "scrollbar-active": "#5fd7c7",
        "scrollbar-background": "#0f1216",
        "scrollbar-background-hover": "#0f1216",
        "scrollbar-background-active": "#0f1216",
    },
)

LIGHT = Theme(
    name="arbsniper-light",
    primary="#00756a",
    secondary="#5b6570",
    accent="#00756a",
    warning="#8f5b00",
    error="#b3261e",
    success="#2d6a2d",
    foreground="#2b3138",
    background="#fafaf7",
    surface="#f1f1ec",
    panel="#e8e8e2",
    dark=False,
    variables={
        "ink": "#2b3138",
        "ink-bright": "#000000",
        "ink-quiet": "#6b747e",
        "ink-head": "#4f5963",
        "ink-rule": "#c9cdc8",
        "ink-bar": "#4d8aa6",
        "ink-cursor": "#dde6e3",
        "ink-badge": "#fafaf7",
        "scrollbar": "#c9cdc8",
        "scrollbar-hover": "#a9b0ab",
        "scrollbar-active": "#00756a",
        "scrollbar-background": "#fafaf7",
        "scrollbar-background-hover": "#fafaf7",
        "scrollbar-background-active": "#fafaf7",
    },
)

SIXTEEN = Theme(
    name="arbsniper-16",
    ansi=True,
    primary="ansi_cyan",
    secondary="ansi_white",
    accent="ansi_bright_cyan",
    warning="ansi_yellow",
    error="ansi_bright_red",
    success="ansi_green",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    dark=True,
    variables={
        "ink": "ansi_default",
        "ink-bright": "ansi_bright_white",
        "ink-quiet": "ansi_bright_black",
        "ink-head": "ansi_white",
        "ink-rule": "ansi_bright_black",
        "ink-bar": "ansi_blue",
        "ink-cursor": "ansi_blue",
        "ink-badge": "ansi_black",
        "ansi-background": "ansi_black",
        "ansi-foreground": "ansi_white",
        "border-blurred": "ansi_bright_black",
        "block-cursor-foreground": "ansi_black",
        "block-cursor-background": "ansi_cyan",
        "input-cursor-background": "ansi_white",
        "input-cursor-foreground": "ansi_black",
        "scrollbar": "ansi_bright_black",
        "scrollbar-hover": "ansi_white",
        "scrollbar-active": "ansi_cyan",
        "scrollbar-background": "ansi_default",
        "scrollbar-background-hover": "ansi_default",
        "scrollbar-background-active": "ansi_default",
    },
)

THEMES = (DARK, LIGHT, SIXTEEN)


def theme_for(color_system: str | None) -> str:
    """The theme to begin with: a terminal of sixteen colours gets its own, unmixed."""
    return SIXTEEN.name if color_system == "standard" else DARK.name

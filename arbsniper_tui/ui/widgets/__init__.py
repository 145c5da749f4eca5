"""One file per widget. A widget draws values that it is handed through `show`; it knows no app and no session."""

"""The verb `consume`: signals and events as Redis carries them, and the check of what the contract says about them."""

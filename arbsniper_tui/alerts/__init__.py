"""What people are told of while they look elsewhere: rules, and the ways to tell. A viewer like any other."""

"""One module per page: `ROUTES`, and `MENU` if it stands in the menu. Found by name."""

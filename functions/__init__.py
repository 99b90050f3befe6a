"""The three functions of the deployment; they never import each other."""

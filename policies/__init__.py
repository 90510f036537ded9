"""The policy pack: rules over what a program declares, checked by the engine at preview and update."""

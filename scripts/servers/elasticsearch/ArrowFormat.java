package org.elasticsearch.xpack.esql.arrow;

import java.util.Map;
import java.util.Set;
import org.elasticsearch.xcontent.MediaType;

/** ES|QL lists this output format among its own. Its module is not on Maven Central; the others work without. */
public class ArrowFormat implements MediaType {
    public static final ArrowFormat INSTANCE = new ArrowFormat();

    @Override
    public String queryParameter() {
        return "arrow";
    }

    @Override
    public Set<HeaderValue> headerValues() {
        return Set.of(new HeaderValue("application/vnd.apache.arrow.stream", Map.of()));
    }
}
